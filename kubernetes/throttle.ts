import { setTimeout as sleep } from "node:timers/promises";

/** Number of times that a request is sent, as kubectl does it. */
const attempts = 10;
/** Longest pause between two of them, in seconds. */
const longestPause = 30;

/**
 * Sends a request again for as long as the API server is too busy for it (HTTP 429), after the pause that it asks for.
 * @param pauseAfter returns the pause in seconds that an error asks for; undefined if the error is another
 * @throws the error of the last attempt
 */
export async function patiently<T>(
  request: () => Promise<T>,
  pauseAfter: (error: unknown) => number | undefined,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      const pause = attempt < attempts ? pauseAfter(error) : undefined;
      if (pause === undefined) throw error;
      await sleep(Math.min(pause, longestPause) * 1000);
    }
  }
}

/** Reads the pause of a Retry-After header in seconds, the only form that the API server uses. Default: one second. */
export function retryAfter(headers: Record<string, string> = {}): number {
  const given = headers["retry-after"];
  return given !== undefined && /^\d+$/.test(given) ? Number(given) : 1;
}

/** Lets so many pieces of work run at a time. The others wait for their turn, in their order. */
export function atMost(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = limit;
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}
