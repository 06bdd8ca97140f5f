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

/**
 * Asks until `ask` returns something other than undefined, and returns that. An error of `ask` counts as "not yet". When time
 * is up, the error names the last one.
 */
export async function waitUntil<T>(ask: () => Promise<T | undefined>, options: WaitOptions): Promise<T> {
  const { what, timeoutMs, signal, pauseMs = 100 } = options;
  const look = async () => {
    signal?.throwIfAborted();
    const value = await Promise.resolve()
      .then(ask)
      .then(
        (answer) => ({ answer, error: undefined }),
        (error: unknown) => ({ answer: undefined, error }),
      );
    signal?.throwIfAborted();
    return { value, ...(value.answer === undefined && { awaits: what }) };
  };
  const { answer, error } = await poll(look, { timeoutMs, pauseMs });
  if (answer === undefined) throw new Error(timeoutMessage(options, error), { cause: error });
  return answer;
}

function timeoutMessage({ what, timeoutMs }: WaitOptions, lastError: unknown): string {
  const reason = lastError instanceof Error ? `: ${lastError.message}` : "";
  return `gave up waiting for ${what} after ${timeoutMs / 1000} s${reason}`;
}
