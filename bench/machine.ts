import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { shells } from "../sandbox/cleaner/shells";

export interface Machine {
  date: string;
  cpu: string;
  memoryGiB: number;
  kernel: string;
  load: string;
  node: string;
  shells: string[];
}

/** Describes the machine that the numbers were measured on. */
export function machine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? "unknown"}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    load: readFileSync("/proc/loadavg", "utf8").split(" ").slice(0, 3).join(" "),
    node: process.version,
    shells: shells.map(({ name }) => name),
  };
}
