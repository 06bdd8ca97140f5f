// Tells anyone who waits what is going on: one line a step, with its duration, on stderr so that stdout stays for results.

/** A step under way. Exactly one of `done` and `fail` ends it. */
export interface Step {
  done(note?: string): void;
  fail(note?: string): void;
}

export interface Progress {
  /** Starts a step. `title` names what is being done, as in "building etcd". */
  step(title: string): Step;
  /** Prints a separate line. */
  say(line: string): void;
}

/** Intervals at which a step reports that it is alive, on a terminal and elsewhere, in milliseconds. */
const [REDRAW_MS, HEARTBEAT_MS] = [5_000, 30_000];
const CLEAR_LINE = "\r\x1b[2K";

/**
 * Shows progress on `stream` (default: stderr): a line at the start of a step, every 30 s and at its end. On a terminal that is
 * one line, redrawn every 5 s, until anything else is shown.
 */
export function consoleProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const { isTTY } = stream;
  const say = (line: string) => void stream.write(`${isTTY ? CLEAR_LINE : ""}${line}\n`);
  // Cut to the terminal's width, since a wrapped line could not be cleared.
  const draw = (line: string) => void stream.write(CLEAR_LINE + line.slice(0, (stream.columns || 80) - 1));
  const sayAlive = isTTY ? draw : say;
  const step = (title: string): Step => {
    const startedAt = Date.now();
    const timed = (mark: string) => `${mark} ${title} (${formatElapsed(Date.now() - startedAt)})`;
    const heartbeat = setInterval(() => sayAlive(timed("…")), isTTY ? REDRAW_MS : HEARTBEAT_MS).unref();
    const end = (mark: string) => (note?: string) => {
      clearInterval(heartbeat);
      say(timed(mark) + (note ? `: ${note}` : ""));
    };
    sayAlive(`… ${title}`);
    return { done: end("✓"), fail: end("✗") };
  };
  return { step, say };
}

/**
 * Does the work as a step, which fails with it.
 * @param note what the end of the step says of the result; default: nothing
 */
export async function asStep<T>(
  progress: Progress,
  title: string,
  work: () => T | Promise<T>,
  note?: (result: T) => string,
): Promise<T> {
  const step = progress.step(title);
  try {
    const result = await work();
    step.done(note?.(result));
    return result;
  } catch (error) {
    step.fail();
    throw error;
  }
}

/** Progress that prints nothing. */
export const silentProgress: Progress = {
  step: () => ({ done() {}, fail() {} }),
  say() {},
};

/** Formats "0.4 s", "12 s", "3 min 07 s": precise while short, readable when long. */
function formatElapsed(milliseconds: number): string {
  if (milliseconds < 9_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}
