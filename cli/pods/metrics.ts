/** Parses a Prometheus text into samples, by series as written: `name` or `name{label="value"}`. */
export function samplesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line): [string, number] => {
      const end = line.lastIndexOf(" ");
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

/** Parses the `key=value` and `key="a value"` words of a line that the cleaner logged. Of two with one key the first counts. */
export function wordsOf(line: string): Record<string, string> {
  const pairs = [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S*))/g)].reverse();
  return Object.fromEntries(pairs.map(([, key, quoted, bare]) => [key, quoted ?? bare]));
}
