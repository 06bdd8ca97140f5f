import { setTimeout as delay } from "node:timers/promises";
import { sidecarCpuLimit, sidecarMemoryLimit } from "../cleaner/names";
import { quantityBytes } from "../kubernetes/quantity";
import { openGroup, type ControlGroup, type Limits } from "./limits";

/** Limits of the sidecar's container. */
export const containerLimits = {
  cpuMillis: Number.parseInt(sidecarCpuLimit, 10),
  memoryBytes: quantityBytes(sidecarMemoryLimit) ?? NaN,
};

/** Runs `work` in a control group of its own, or without one if this machine does not offer any. */
export async function inGroup<T>(limits: Limits, work: (group: ControlGroup | undefined) => Promise<T>): Promise<T> {
  const group = openGroup(limits);
  try {
    return await work(group);
  } finally {
    while (group && !closed(group)) await delay(50);
  }
}

/** Tries to remove the group, which only works once its last process is gone. */
function closed(group: ControlGroup): boolean {
  try {
    group.close();
    return true;
  } catch {
    return false;
  }
}
