import { setTimeout as delay } from "node:timers/promises";
import { openGroup, type ControlGroup, type Limits } from "./limits";

/** What the sidecar's container may use at most. */
export const containerLimits = { cpuMillis: 50, memoryBytes: 32 << 20 };

/** Runs something in a control group of its own; without one where this machine has none for us. */
export async function inGroup<T>(limits: Limits, work: (group: ControlGroup | undefined) => Promise<T>): Promise<T> {
  const group = openGroup(limits);
  try {
    return await work(group);
  } finally {
    while (group && !closed(group)) await delay(50);
  }
}

/** A group can be removed once its last process has gone. */
function closed(group: ControlGroup): boolean {
  try {
    group.close();
    return true;
  } catch {
    return false;
  }
}
