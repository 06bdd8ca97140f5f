// What is to be undone before this process ends, however that comes: by itself, by a signal, or by an error that nobody caught.
// (Nothing in this process can act on its own SIGKILL.)

const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Something that must not outlive this process. */
export interface Ending {
  /** Undoes it. */
  stop(): void | Promise<void>;
  /** The same without waiting, for the last moments of this process; where it is missing nothing can be done then. */
  kill?(): void;
}

// In order of their start.
const endings = new Set<Ending>();
let undoing: Promise<void> | undefined;
let endingBySignal = false;

/** Has `ending` undone before this process ends, the latest first. Returns what takes it off that list. */
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
  // While a signal is being handled its listener stays, or a repeated signal would end us half-way.
  stopListening();
}

function stopListening(): void {
  process.off("exit", killAll);
  for (const signal of ENDING_SIGNALS) process.off(signal, undoAndEnd);
}

/** Whether everything is being undone, so that nothing new may begin. */
export const isEnding = (): boolean => undoing !== undefined;

/** Undoes everything now, the latest first and each done before the next, also after one that failed; throws the first error. A second call waits for the first. */
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

/** Also runs after an uncaught error, which ends in "exit". No time is left to wait there. */
function killAll(): void {
  for (const ending of [...endings].reverse()) ending.kill?.();
}

/**
 * Undoes everything, then lets the signal do what it would have done: end this process, unless other code
 * listens for it too and so has taken over ending. Repeats (a terminal's Ctrl-C that a parent passes on as well) change nothing.
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
