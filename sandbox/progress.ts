// Tells anyone who waits what is going on: one line a step, with its duration, on stderr so that stdout stays for results.

/** A step under way. Exactly one of `done` and `fail` ends it; later calls are ignored. */
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

/** Interval at which a step that is not on a terminal reports that it is alive, in milliseconds. */
const HEARTBEAT_MS = 30_000;
/** Interval at which the line on a terminal is redrawn, in milliseconds. */
const REDRAW_MS = 1_000;
const CLEAR_LINE = "\r\x1b[2K";

/** Shows progress on `stream` (default: stderr): a live line on a terminal, else lines at start, every 30 s and at the end. */
export function consoleProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? new LiveProgress(stream) : new PlainProgress(stream);
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

function outcome(mark: string, title: string, startedAt: number, note?: string): string {
  return `${mark} ${title} (${formatElapsed(Date.now() - startedAt)})${note ? `: ${note}` : ""}`;
}

class PlainProgress implements Progress {
  constructor(private readonly stream: NodeJS.WritableStream) {}

  say(line: string): void {
    this.stream.write(`${line}\n`);
  }

  step(title: string): Step {
    const startedAt = Date.now();
    this.say(`… ${title}`);
    const heartbeat = setInterval(() => this.say(outcome("…", title, startedAt)), HEARTBEAT_MS).unref();
    return endOnce((mark, note) => {
      clearInterval(heartbeat);
      this.say(outcome(mark, title, startedAt, note));
    });
  }
}

class LiveProgress implements Progress {
  private readonly open: { title: string; startedAt: number }[] = [];
  private redraw?: NodeJS.Timeout;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  say(line: string): void {
    this.stream.write(`${CLEAR_LINE}${line}\n`);
    this.draw();
  }

  step(title: string): Step {
    const entry = { title, startedAt: Date.now() };
    this.open.push(entry);
    this.redraw ??= setInterval(() => this.draw(), REDRAW_MS).unref();
    this.draw();
    return endOnce((mark, note) => {
      this.open.splice(this.open.indexOf(entry), 1);
      if (this.open.length === 0) {
        clearInterval(this.redraw);
        this.redraw = undefined;
      }
      this.say(outcome(mark, title, entry.startedAt, note));
    });
  }

  /** Draws the step begun last, cut to the terminal's width: a wrapped line could not be cleared. */
  private draw(): void {
    const latest = this.open.at(-1);
    if (!latest) return;
    const line = outcome("…", latest.title, latest.startedAt);
    this.stream.write(CLEAR_LINE + line.slice(0, Math.max(1, this.stream.columns - 1)));
  }
}

function endOnce(end: (mark: string, note?: string) => void): Step {
  let ended = false;
  const once = (mark: string) => (note?: string) => {
    if (ended) return;
    ended = true;
    end(mark, note);
  };
  return { done: once("✓"), fail: once("✗") };
}
