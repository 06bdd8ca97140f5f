import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { sidecarCpuLimit, sidecarMemoryLimit } from "../cleaner/names";
import { quantityBytes } from "../kubernetes/quantity";

export interface Limits {
  /** Thousandths of a CPU; no limit by default. */
  cpuMillis?: number;
  memoryBytes?: number;
}

/** Limits of the sidecar's container. */
export const containerLimits = {
  cpuMillis: Number.parseInt(sidecarCpuLimit, 10),
  memoryBytes: quantityBytes(sidecarMemoryLimit) ?? NaN,
};

export interface ControlGroup {
  /** Prefix of a command that makes it run in the group. */
  readonly command: readonly string[];
  cpuSeconds(): number;
  peakBytes(): number;
}

const base = "/sys/fs/cgroup";
const period = 100_000;

/** Throws unless this process can make control groups, as root on cgroup v1. */
export function requireControlGroups(): void {
  if (process.getuid?.() !== 0 || !existsSync(join(base, "cpuacct")))
    throw new Error("the container's limits can't be set here: that takes root, and cgroup v1");
}

/** Runs `work` in a control group of its own. */
export async function inGroup<T>(limits: Limits, work: (group: ControlGroup) => Promise<T>): Promise<T> {
  const name = `shm-bench-${process.pid}-${Date.now()}`;
  const [cpu, memory, usage] = ["cpu", "memory", "cpuacct"].map((hierarchy) => join(base, hierarchy, name));
  const groups = [cpu, memory, usage];
  for (const group of groups) mkdirSync(group);
  setLimits(cpu, memory, limits);
  const read = (dir: string, file: string) => Number(readFileSync(join(dir, file), "utf8"));
  const enter = groups.map((group) => `echo $$ >${group}/cgroup.procs`).join(" && ");
  try {
    return await work({
      command: ["/bin/sh", "-c", `${enter} && exec "$@"`, "sh"],
      cpuSeconds: () => read(usage, "cpuacct.usage") / 1e9,
      peakBytes: () => read(memory, "memory.max_usage_in_bytes"),
    });
  } finally {
    for (const group of groups) while (!removed(group)) await delay(50);
  }
}

function setLimits(cpu: string, memory: string, { cpuMillis, memoryBytes }: Limits): void {
  if (cpuMillis !== undefined) {
    writeFileSync(join(cpu, "cpu.cfs_period_us"), String(period));
    writeFileSync(join(cpu, "cpu.cfs_quota_us"), String((cpuMillis * period) / 1000));
  }
  if (memoryBytes !== undefined) writeFileSync(join(memory, "memory.limit_in_bytes"), String(memoryBytes));
}

/** Tries to remove the group, which only works once its last process is gone. */
function removed(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch {
    return false;
  }
}
