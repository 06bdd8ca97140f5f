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

/** Interval at which a step reports that it is alive, in milliseconds. */
const HEARTBEAT_MS = 30_000;

/** Shows progress on `stream` (default: stderr): a line at the start of a step, every 30 s and at its end. */
export function consoleProgress(stream: NodeJS.WritableStream = process.stderr): Progress {
  const say = (line: string) => void stream.write(`${line}\n`);
  const step = (title: string): Step => {
    const startedAt = Date.now();
    const tell = (mark: string, note?: string) =>
      say(`${mark} ${title} (${formatElapsed(Date.now() - startedAt)})${note ? `: ${note}` : ""}`);
    const heartbeat = setInterval(() => tell("…"), HEARTBEAT_MS).unref();
    const end = (mark: string) => (note?: string) => {
      clearInterval(heartbeat);
      tell(mark, note);
    };
    say(`… ${title}`);
    return { done: end("✓"), fail: end("✗") };
  };
  return { step, say };
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
