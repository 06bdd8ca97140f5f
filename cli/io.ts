import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { styleText } from "node:util";
import { pause } from "../kubernetes/poll";
import { UsageError } from "./errors";

const clone = join(__dirname, "..");
/** The folder of Pulumi.yaml: this clone, or for the command of the installed package the folder it runs in. */
export const projectDir = existsSync(join(clone, "Pulumi.yaml")) ? clone : process.cwd();

/** The outside world of a command: its output, its terminal and the clock. Tests inject their own. */
export interface Io {
  out: (text: string) => void;
  /** Prints complaints, so that stdout is left for results. */
  err: (text: string) => void;
  /** True if stdout is a terminal. */
  readonly isTerminal: boolean;
  /** True if stderr is a terminal, for messages while work is under way. */
  readonly errIsTerminal: boolean;
  readonly colour: boolean;
  /** Asks the user. The answer is "" if none was given. Undefined unless stdin and stderr are terminals. */
  ask?: (question: string) => Promise<string>;
  /**
   * Runs another program in the clone on the same terminal, with `env` added to this process's own.
   * @returns its exit status
   */
  run: (program: string, args: string[], env?: Record<string, string>) => Promise<number>;
  /** Reads all of stdin. */
  input: () => string;
  now: () => Date;
  /** Waits so many milliseconds, or until the signal is aborted. */
  pause: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** From now on Ctrl-C aborts this signal instead of ending the process. A second Ctrl-C ends it. */
  interruption: () => AbortSignal;
}

/** Levels of urgency, each with a colour. */
export type Urgency = "warning" | "critical";

export function emphasised(io: Pick<Io, "colour">, urgency: Urgency | undefined, text: string): string {
  if (!io.colour || !urgency) return text;
  return styleText(urgency === "critical" ? ["red", "bold"] : ["yellow"], text, { validateStream: false });
}

/** The Io of this process. Colours go to terminals only, and not if NO_COLOR is set (https://no-color.org). */
export function processIo(): Io {
  const isTerminal = process.stdout.isTTY === true;
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTerminal,
    errIsTerminal: process.stderr.isTTY === true,
    ...(process.stdin.isTTY && process.stderr.isTTY && { ask }),
    colour: isTerminal && !process.env.NO_COLOR && process.env.TERM !== "dumb",
    run,
    input: () => readFileSync(0, "utf8"),
    now: () => new Date(),
    pause,
    interruption: () => {
      const interrupted = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort());
      return interrupted.signal;
    },
  };
}

/** Asks on the terminal. An end of the input, or Ctrl-C, counts as an empty answer. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await Promise.race([terminal.question(question), once(terminal, "close").then(() => "")]);
  } finally {
    terminal.close();
  }
}

/** Makes the paths of $KUBECONFIG absolute, for a program that runs in another folder. A kubeconfig's text stays as it is. */
const absolute = (kubeconfig: string): string =>
  kubeconfig
    .split(delimiter)
    .map((each) => (existsSync(each) ? resolve(each) : each))
    .join(delimiter);

async function run(program: string, args: string[], env: Record<string, string> = {}): Promise<number> {
  const all = { ...process.env, ...env };
  if (all.KUBECONFIG) all.KUBECONFIG = absolute(all.KUBECONFIG);
  const child = spawn(program, args, { cwd: projectDir, stdio: "inherit", env: all });
  const [status] = (await once(child, "exit")) as [number | null];
  return status ?? 1;
}

/**
 * States what will be lost and asks for confirmation. Scripts confirm in advance, by --yes.
 * @param loss a sentence without its end
 * @throws UsageError if there is no terminal to ask on
 */
export async function confirmed(io: Pick<Io, "ask">, loss: string): Promise<boolean> {
  if (!io.ask) throw new UsageError(`${loss}, and there is no terminal to ask on: nothing was changed; --yes goes on`);
  return /^y(es)?$/i.test((await io.ask(`${loss}. Go on? [y/N] `)).trim());
}
