import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanerScripts } from "../cleaner/scripts";
import { shells, sweepText, type Shell } from "../sandbox/cleaner/shells";
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

/** A sidecar that runs on this place as in a pod, with the default settings. */
export class RunningSidecar {
  private readonly child: ChildProcess;
  private readonly scripts = mkdtempSync(join(tmpdir(), "bench-scripts-"));
  log = "";

  constructor(place: Place, group?: ControlGroup, env: Record<string, string> = {}) {
    for (const [name, text] of Object.entries(cleanerScripts().files)) writeFileSync(join(this.scripts, name), text);
    const loop = [...podShell.command, join(this.scripts, "sidecar.sh")];
    const [command = "", ...args] = [...(group?.command ?? []), ...loop];
    const own = { PATH: podShell.path, SHM_DIR: place.dir, METRICS_DIR: place.metrics, METRICS_PORT: "19301" };
    this.child = spawn(command, args, { cwd: "/", env: { ...own, ...env }, stdio: ["ignore", "pipe", "inherit"] });
    this.child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (this.log += chunk));
  }

  get sweeps(): number {
    return this.log.match(/ event=sweep /g)?.length ?? 0;
  }

  async stop(): Promise<void> {
    const gone = once(this.child, "exit");
    this.child.kill("SIGTERM");
    await gone;
    rmSync(this.scripts, { recursive: true });
  }
}
