import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanerScripts } from "../../cleaner/scripts";
import { GRACE_MS } from "../processes";
import { waitUntil } from "../waitUntil";
import type { Shell } from "./shells";

const { files } = cleanerScripts();

/** Waits until `holds` returns true. If that takes too long, the error says what it waited for. */
export async function until(what: string, holds: () => boolean, seconds = 20): Promise<void> {
  await waitUntil(holds, { what, timeoutMs: seconds * 1000, pauseMs: 20 });
}

export async function freePort(): Promise<number> {
  const { default: getPort } = await import("get-port");
  return getPort({ host: "127.0.0.1" });
}

/** A process that keeps all that it prints. */
export class LoggedProcess {
  log = "";
  readonly child: ChildProcess;

  constructor([command = "", ...args]: readonly string[], env: Record<string, string>) {
    this.child = spawn(command, args, { cwd: "/", env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (chunk: string) => (this.log += chunk));
    }
    this.child.on("error", ({ message }) => (this.log += message)); // it could not be started
  }

  /** Stops it as a pod is stopped, but with less patience. Returns its exit code and the milliseconds that this took. */
  stop = async (): Promise<{ code: number | null; milliseconds: number }> => {
    const { exitCode, signalCode } = this.child;
    if (exitCode !== null || signalCode !== null || !this.child.pid) return { code: exitCode, milliseconds: 0 };
    const started = Date.now();
    const gone = once(this.child, "exit");
    this.child.kill("SIGTERM");
    const impatience = setTimeout(() => this.child.kill("SIGKILL"), GRACE_MS);
    const [code] = (await gone) as [number | null];
    clearTimeout(impatience);
    return { code, milliseconds: Date.now() - started };
  };
}

/** The sidecar's loop with its files beside it, as the loader runs it. `as` is a prefix of its command. */
export class Sidecar extends LoggedProcess {
  constructor(
    shell: Shell,
    env: Record<string, string>,
    loop = files["sidecar.sh"],
    sweep = files["sweep.sh"],
    as: readonly string[] = [],
  ) {
    const dir = mkdtempSync(join(tmpdir(), "sidecar-"));
    const own = { ...files, "sidecar.sh": loop, "sweep.sh": sweep };
    for (const [name, text = ""] of Object.entries(own)) writeFileSync(join(dir, name), text);
    super([...as, ...shell.command, join(dir, "sidecar.sh")], { PATH: shell.path, ...env });
    this.child.on("exit", () => rmSync(dir, { recursive: true }));
  }

  logged = (): string => this.log;

  /** Waits for a number of lines of an event, and returns them. */
  events = async (name: string, atLeast: number): Promise<string[]> => {
    const lines = () => this.log.split("\n").filter((line) => line.split(" ")[1] === `event=${name}`);
    const complete = () => lines().length >= atLeast && this.log.endsWith("\n");
    await until(`${atLeast} × event=${name} in\n`, complete).catch((error: Error) =>
      assert.fail(error.message + this.log),
    );
    return lines();
  };
}
