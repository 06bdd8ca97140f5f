// Waiting for something another process does, which only asking can tell.
import { setTimeout as delay } from "node:timers/promises";

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
  const deadline = Date.now() + options.timeoutMs;
  let lastError: unknown;
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    options.signal?.throwIfAborted();
    if (Date.now() >= deadline) throw new Error(timeoutMessage(options, lastError), { cause: lastError });
    await delay(options.pauseMs ?? 100);
  }
}

function timeoutMessage({ what, timeoutMs }: WaitOptions, lastError: unknown): string {
  const reason = lastError instanceof Error ? `: ${lastError.message}` : "";
  return `gave up waiting for ${what} after ${timeoutMs / 1000} s${reason}`;
}
