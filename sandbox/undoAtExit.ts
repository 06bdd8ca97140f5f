// Undoes what must not outlive this process, whether that ends by itself, by a signal, or by an uncaught error.
// (Nothing in this process can act on its own SIGKILL.)

const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Something that must not outlive this process. */
export interface Ending {
  /** Undoes it. */
  stop(): void | Promise<void>;
  /** Undoes it without waiting, in the last moments of this process. If missing, nothing can be done then. */
  kill?(): void;
}

// In order of their start.
const endings = new Set<Ending>();
let undoing: Promise<void> | undefined;
let endingBySignal = false;

/** Has `ending` undone before this process ends, the latest first. Returns a function that cancels this. */
export function beforeEnd(ending: Ending): () => void {
  if (endings.size === 0 && !endingBySignal) {
    process.on("exit", killAll);
    for (const signal of ENDING_SIGNALS) process.on(signal, undoAndEnd);
  }
  endings.add(ending);
  return () => release(ending);
}

function release(ending: Ending): void {
  if (!endings.delete(ending) || endings.size > 0 || endingBySignal) return;
  // The listener stays while a signal is being handled, or a repeated signal would end us half-way.
  stopListening();
}

function stopListening(): void {
  process.off("exit", killAll);
  for (const signal of ENDING_SIGNALS) process.off(signal, undoAndEnd);
}

/** Tells whether everything is being undone, so that nothing new may begin. */
export const isEnding = (): boolean => undoing !== undefined;

/**
 * Undoes everything now, the latest first and one after the other. It continues after a failure, and throws the first error at
 * the end. A second call waits for the first.
 */
export function undoAll(): Promise<void> {
  undoing ??= undoEach().finally(() => (undoing = undefined));
  return undoing;
}

async function undoEach(): Promise<void> {
  const errors: unknown[] = [];
  for (let ending = latest(); ending; ending = latest()) {
    try {
      await ending.stop();
    } catch (error) {
      errors.push(error);
    }
    release(ending);
  }
  if (errors.length > 0) throw errors[0];
}

const latest = (): Ending | undefined => [...endings].at(-1);

/** Kills everything without waiting: on "exit" no time is left. An uncaught error leads there, too. */
function killAll(): void {
  for (const ending of [...endings].reverse()) ending.kill?.();
}

/**
 * Undoes everything, then lets the signal end this process as it would have. If other code listens for the signal too, that
 * code has taken over ending. Repeats change nothing, such as a terminal's Ctrl-C that a parent passes on as well.
 */
function undoAndEnd(signal: NodeJS.Signals): void {
  if (endingBySignal) return;
  endingBySignal = true;
  void undoAll()
    .catch((error: Error) => console.error(error.message))
    .finally(() => {
      stopListening();
      endingBySignal = false;
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
}
