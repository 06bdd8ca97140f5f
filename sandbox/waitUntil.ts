// Waits for something that another process does, which only asking can show.
import { setTimeout as delay } from "node:timers/promises";

interface WaitOptions {
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
 * When time is up, it is asked once more, and the error names the last one.
 */
export async function waitUntil<T>(ask: () => Answer<T> | Promise<Answer<T>>, options: WaitOptions): Promise<T> {
  const { what, timeoutMs, signal, pauseMs = 100 } = options;
  for (const deadline = Date.now() + timeoutMs; ; await delay(pauseMs)) {
    signal?.throwIfAborted();
    const isLast = Date.now() >= deadline;
    let cause: unknown;
    const answer = await Promise.resolve()
      .then(ask)
      .catch((error: unknown) => void (cause = error));
    signal?.throwIfAborted();
    if (answer !== undefined && answer !== false) return answer;
    if (!isLast) continue;
    const reason = cause instanceof Error ? `: ${cause.message}` : "";
    throw new Error(`gave up waiting for ${what} after ${timeoutMs / 1000} s${reason}`, { cause });
  }
}
