import { spawnSync } from "node:child_process";

/** A policy that goes by age alone, as those before ours did: a find at a fixed interval. */
export interface FindPolicy {
  readonly name: string;
  readonly intervalSeconds: number;
  readonly maxAgeSeconds: number;
}

export const hourlyFind: FindPolicy = { name: "hourly find, 60 minutes", intervalSeconds: 3600, maxAgeSeconds: 3600 };
export const authentikSweep: FindPolicy = {
  name: "every 5 minutes, 24 h",
  intervalSeconds: 300,
  maxAgeSeconds: 86_400,
};

/** Runs the find of a policy as if the time were `at`, and so removes the files that are too old by then. */
export function runFind(policy: FindPolicy, dir: string, at: number): void {
  const oldest = (at - policy.maxAgeSeconds).toFixed(3);
  const args = `. -maxdepth 1 -type f -name session_* ! -newermt @${oldest} -exec rm -f -- {} +`;
  const { status, stderr } = spawnSync("find", args.split(" "), { cwd: dir, encoding: "utf8" });
  if (status !== 0) throw new Error(`find: ${stderr}`);
}
