// Waiting for something another process does, which only asking can tell.
import { poll } from "../kubernetes/poll";

export interface WaitOptions {
  /** What is awaited, for the error: "nothing to be left of it" completes "gave up waiting for …". */
  what: string;
  /** How long to ask, in milliseconds. */
  timeoutMs: number;
  /** Ends the wait with the signal's reason. */
  signal?: AbortSignal;
  /** Pause between two questions, in milliseconds; default 100. */
  pauseMs?: number;
}

/**
 * Asks until `ask` returns something other than undefined, and returns that. An error of `ask` counts as "not yet";
 * the last one is named when time is up.
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
