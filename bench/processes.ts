import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { shells, sweepText, type Shell } from "../sandbox/cleaner/shells";
import { Sidecar, until } from "../sandbox/cleaner/sidecarProcess";
import type { FloodReport } from "./flood";
import type { ControlGroup } from "./limits";
import type { Place } from "./place";

/** The shell of the sidecar's image, busybox, if this machine has it. */
export const podShell: Shell = shells[shells.length - 1];

/** Runs a command, which must succeed. Returns the CPU seconds, user and system, of it and everything it started. */
export function cpuSeconds(command: readonly string[], options: { cwd?: string; path?: string } = {}): number {
  const measured = ["-c", '"$@" >/dev/null && times', "sh", ...command];
  // Passes no other variables: npm's environment is so large that busybox's plain find -exec {} + fails with it.
  const env = { PATH: options.path ?? process.env.PATH };
  const { status, stdout, stderr } = spawnSync("/bin/sh", measured, { encoding: "utf8", cwd: options.cwd, env });
  if (status !== 0) throw new Error(`${command[0]} failed: ${stderr}`);
  const ofChildren = stdout.trim().split("\n")[1] ?? "";
  return [...ofChildren.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0);
}

export function sweepCommand(shell: Shell, settings: readonly string[]): string[] {
  return [...shell.command, "-c", sweepText, "sweep", ...settings];
}

/** Starts a sidecar on this place as in a pod, with the default settings. Resolves after its first sweep. */
export async function startSidecar(
  place: Place,
  group?: ControlGroup,
  env: Record<string, string> = {},
): Promise<Sidecar> {
  const own = { SHM_DIR: place.dir, METRICS_DIR: place.metrics, METRICS_PORT: "19301" };
  const sidecar = new Sidecar(podShell, { ...own, ...env }, undefined, undefined, group?.command);
  await until("the first sweep", () => sidecar.log.includes(" event=sweep "), 120).catch(async (error: unknown) => {
    await sidecar.stop();
    throw error;
  });
  return sidecar;
}

/** Saves visits at a rate, in a process of their own. @param length of the addresses; default 60 */
export async function writeVisits(
  { dir }: Place,
  { first, rate, seconds, length = 60 }: { first: number; rate: number; seconds: number; length?: number },
): Promise<FloodReport> {
  const args = [first, rate, seconds, length].map(String);
  const writer = fork(join(__dirname, "flood.ts"), [dir, ...args], { execArgv: ["--import", "tsx"] });
  const [report] = (await once(writer, "message")) as [FloodReport];
  return report;
}
