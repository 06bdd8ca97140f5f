import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A control group with the limits of the sidecar's container. `command` starts a process in it. */
export interface ControlGroup {
  /** Prefix of a command that makes it run in the group. */
  readonly command: readonly string[];
  cpuSeconds(): number;
  peakBytes(): number;
  close(): void;
}

export interface Limits {
  /** Thousandths of a CPU; no limit by default. */
  cpuMillis?: number;
  memoryBytes?: number;
}

const base = "/sys/fs/cgroup";
const period = 100_000;

function usable(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    return existsSync(join(dir, "cgroup.procs"));
  } catch {
    return false;
  }
}

/** Creates a group on the two hierarchies of cgroup v1. Returns undefined if this process can't write there. */
export function openGroup({ cpuMillis, memoryBytes }: Limits = {}): ControlGroup | undefined {
  const [cpu, memory, usage] = ["cpu", "memory", "cpuacct"].map((name) => join(base, name)) as [string, string, string];
  if (![cpu, memory, usage].every(usable)) return undefined;
  const groups = [...new Set([cpu, memory, usage])].map((dir) => join(dir, `shm-bench-${process.pid}-${Date.now()}`));
  for (const group of groups) mkdirSync(group);
  const [cpuGroup = "", memoryGroup = "", usageGroup = cpuGroup] = groups;
  if (cpuMillis !== undefined) {
    writeFileSync(join(cpuGroup, "cpu.cfs_period_us"), String(period));
    writeFileSync(join(cpuGroup, "cpu.cfs_quota_us"), String((cpuMillis * period) / 1000));
  }
  if (memoryBytes !== undefined) writeFileSync(join(memoryGroup, "memory.limit_in_bytes"), String(memoryBytes));
  const join_ = groups.map((group) => `echo $$ >${group}/cgroup.procs`).join(" && ");
  const read = (dir: string, file: string) => Number(readFileSync(join(dir, file), "utf8"));
  return {
    command: ["/bin/sh", "-c", `${join_} && exec "$@"`, "sh"],
    cpuSeconds: () => read(usageGroup, "cpuacct.usage") / 1e9,
    peakBytes: () => read(memoryGroup, "memory.max_usage_in_bytes"),
    close() {
      for (const group of groups) rmdirSync(group);
    },
  };
}
