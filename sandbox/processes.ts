// Child processes that never outlive their purpose. Each has a process group and a log file of its own. They are ended by id, in
// reverse order of their start, by `stop()` or when this process ends (undoAtExit.ts).
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { beforeEnd, isEnding } from "./undoAtExit";

/** Longest time between SIGTERM and SIGKILL for a child, in milliseconds. */
export const GRACE_MS = 10_000;
/** Number of log lines that a dead child's error quotes. */
const LOG_TAIL_LINES = 15;

export interface ProcessSpec {
  /** Name in messages. */
  name: string;
  /** Executable: a path, or a name on PATH. */
  command: string;
  args: readonly string[];
  /** Working directory. */
  cwd: string;
  /** Variables added to this process's environment. */
  env?: Record<string, string>;
  /** File for stdout and stderr; truncated at start. */
  logFile: string;
}

/** Error of a child that ended although nobody asked it to. `log` is the tail of its log. */
export class ProcessDied extends Error {
  constructor(
    readonly process: string,
    how: string,
    readonly log: string,
    logFile: string,
  ) {
    super(`${process} ended (${how}). The end of ${logFile}:\n${log.replace(/^/gm, "  ")}`);
    this.name = "ProcessDied";
  }
}

/** A running child. */
export type RunningProcess = Pick<Child, "name" | "pid" | "stop">;

/** Children that belong together, such as those of one cluster. */
export class Processes {
  private readonly children: Child[] = [];
  private readonly deathSeen = new AbortController();

  /** Aborts with {@link ProcessDied} when a child ends unasked. Anything that waits for what children do should watch it. */
  readonly death: AbortSignal = this.deathSeen.signal;

  /** Starts a child. Rejects if it can't be started or this process is ending. A child that ends later aborts {@link death}. */
  async start(spec: ProcessSpec): Promise<RunningProcess> {
    const child = await Child.start(spec);
    this.children.push(child);
    void child.exit.then((exit) => {
      if (!exit.asked) this.deathSeen.abort(child.diedOf(exit));
    });
    return child;
  }

  /** Ends every child, the youngest first. Each is gone before the next is asked. */
  async stop(): Promise<void> {
    for (const child of [...this.children].reverse()) await child.stop();
  }
}

/** Runs a child to its end. Rejects with {@link ProcessDied} unless its exit status is 0. */
export async function run(spec: ProcessSpec): Promise<void> {
  const child = await Child.start(spec);
  const exit = await child.exit;
  if (exit.code !== 0) throw child.diedOf(exit);
}

interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** True once we have asked it to end. */
  asked: boolean;
}

class Child {
  readonly name: string;
  readonly exit: Promise<Exit>;
  private stopping = false;

  static async start(spec: ProcessSpec): Promise<Child> {
    if (isEnding()) throw new Error(`cannot start ${spec.name}: this process is ending`);
    const process = spawnIntoOwnGroup(spec);
    const child = process.pid === undefined ? undefined : new Child(spec, process);
    try {
      await once(process, "spawn");
    } catch (error) {
      throw new Error(`cannot start ${spec.name} (${spec.command}): ${(error as Error).message}`, { cause: error });
    }
    return child!;
  }

  private constructor(
    private readonly spec: ProcessSpec,
    private readonly process: ChildProcess,
  ) {
    this.name = spec.name;
    const release = beforeEnd(this);
    this.exit = new Promise((resolve) => {
      process.once("exit", (code, signal) => {
        this.killGroup("SIGKILL"); // and with it whatever the child started and left behind
        release();
        resolve({ code, signal, asked: this.stopping });
      });
    });
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** Sends SIGTERM to its group, SIGKILL after ten seconds. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.hasExited()) return;
    this.killGroup("SIGTERM");
    const impatience = setTimeout(() => this.killGroup("SIGKILL"), GRACE_MS);
    await this.exit;
    clearTimeout(impatience);
  }

  /** Kills it now, without waiting, in the last moments of this process. */
  kill(): void {
    this.stopping = true;
    if (!this.hasExited()) this.killGroup("SIGKILL");
  }

  private hasExited(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  private killGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // ESRCH: the group is gone already
    }
  }

  diedOf({ code, signal }: Exit): ProcessDied {
    const how = signal ? `killed by ${signal}` : `exit status ${code}`;
    return new ProcessDied(this.name, how, tailOfLog(this.spec.logFile), this.spec.logFile);
  }
}

/** Starts the child as leader of a new session and group: Ctrl-C then reaches only us, and we reach all of its offspring. */
function spawnIntoOwnGroup(spec: ProcessSpec): ChildProcess {
  mkdirSync(dirname(spec.logFile), { recursive: true });
  const log = openSync(spec.logFile, "w", 0o600);
  try {
    return spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: { ...process.env, ...spec.env },
      detached: true,
      stdio: ["ignore", log, log],
    });
  } finally {
    closeSync(log);
  }
}

function tailOfLog(logFile: string): string {
  const lines = readFileSync(logFile, "utf8").trimEnd().split("\n");
  return lines.slice(-LOG_TAIL_LINES).join("\n") || "(nothing)";
}

/** Tells whether there is a process of this id. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Returns the absolute path of a program on PATH; undefined if there is none of that name. */
export function findExecutable(name: string): string | undefined {
  const { status, stdout } = spawnSync("/bin/sh", ["-c", 'command -v -- "$1"', "sh", name], { encoding: "utf8" });
  const path = stdout.trim();
  return status === 0 && path.startsWith("/") ? path : undefined; // a builtin is a bare name
}
