/** The sidecar's log, of lines such as `time=… event=sweep errors=0`. */

/** Parses the `key=value` and `key="a value"` words of a line that the cleaner logged. Of two with one key the first counts. */
export function wordsOf(line: string): Record<string, string> {
  const pairs = [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S*))/g)].reverse();
  return Object.fromEntries(pairs.map(([, key, quoted, bare]) => [key, quoted ?? bare]));
}

/**
 * Returns the last line about a sweep; undefined if there is none. A sweep that fails says why, and then the loop says that it
 * failed (status 1): of the two, the first is returned.
 */
export function lastSweepLine(log: string): string | undefined {
  const lines = log.split("\n").filter((line) => /event=(sweep|sweep_failed|not_started) /.test(line));
  const [before, last] = [lines.at(-2), lines.at(-1)];
  return before?.match(/event=sweep_failed .*error=/) && last?.includes("event=sweep_failed status=1 ") ? before : last;
}
