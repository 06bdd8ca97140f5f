import { setTimeout as sleep } from "node:timers/promises";

/** One observation of something that may not be there yet. */
export interface Observation<T> {
  value: T;
  /** Description of what is still missing; undefined if nothing is. */
  awaits?: string;
}

export interface PollOptions {
  /** Longest wait, in milliseconds. The last look begins after it. */
  timeoutMs: number;
  /** Pause between two looks, in milliseconds. */
  pauseMs: number;
  /** Receives what is still missing, whenever that changes. */
  say?: (awaits: string) => void;
  /** Default: this machine's clock. */
  now?: () => number;
  /** Default: the pause below. */
  pause?: typeof pause;
  /** Ends the wait once it is aborted. */
  signal?: AbortSignal;
}

/** Resolves after so many milliseconds, or once the signal is aborted. */
export const pause = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  sleep(milliseconds, undefined, { signal }).catch(() => undefined);

/**
 * Looks again and again until nothing is missing, time is up, or the signal is aborted.
 * @param look receives true for the last look, so that it may count an error as "not yet" until then
 * @returns the value of the last look
 * @throws whatever the look throws, at once
 */
export async function poll<T>(
  look: (isLast: boolean) => Promise<Observation<T>>,
  { timeoutMs, pauseMs, say, now = Date.now, pause: rest = pause, signal }: PollOptions,
): Promise<T> {
  const deadline = now() + timeoutMs;
  for (let said: string | undefined; ;) {
    const isLast = now() >= deadline;
    const { value, awaits } = await look(isLast);
    if (awaits === undefined || isLast || signal?.aborted) return value;
    if (awaits !== said) say?.((said = awaits));
    await rest(pauseMs, signal);
    if (signal?.aborted) return value;
  }
}
