// Waits for something that another process does, which only asking can show.
import { poll } from "../kubernetes/poll";

export interface WaitOptions {
  /** Completes the error "gave up waiting for …", for example "nothing to be left of it". */
  what: string;
  /** Longest wait, in milliseconds. */
  timeoutMs: number;
  /** Ends the wait with the signal's reason. */
  signal?: AbortSignal;
  /** Pause between two attempts, in milliseconds; default 100. */
  pauseMs?: number;
}

type Answer<T> = T | false | undefined;

/**
 * Asks until `ask` returns something other than false and undefined, and returns that. An error of `ask` counts as "not yet".
 * When time is up, the error names the last one.
 */
export async function waitUntil<T>(ask: () => Answer<T> | Promise<Answer<T>>, options: WaitOptions): Promise<T> {
  const { what, timeoutMs, signal, pauseMs = 100 } = options;
  const look = async () => {
    signal?.throwIfAborted();
    const value: { answer?: Answer<T>; error?: unknown } = await Promise.resolve()
      .then(ask)
      .then(
        (answer) => ({ answer }),
        (error: unknown) => ({ error }),
      );
    signal?.throwIfAborted();
    return { value, ...(isMissing(value.answer) && { awaits: what }) };
  };
  const { answer, error } = await poll(look, { timeoutMs, pauseMs });
  if (isMissing(answer)) throw new Error(timeoutMessage(options, error), { cause: error });
  return answer;
}

const isMissing = (answer: unknown): answer is false | undefined => answer === undefined || answer === false;

function timeoutMessage({ what, timeoutMs }: WaitOptions, lastError: unknown): string {
  const reason = lastError instanceof Error ? `: ${lastError.message}` : "";
  return `gave up waiting for ${what} after ${timeoutMs / 1000} s${reason}`;
}
