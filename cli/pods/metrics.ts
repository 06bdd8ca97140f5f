/** Samples of a Prometheus text, by series as written: `name` or `name{label="value"}`. */
export function samplesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line): [string, number] => {
      const end = line.lastIndexOf(" ");
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

/** `key=value` and `key="a value"` words of a line of the cleaner's. */
export function wordsOf(line: string): Record<string, string> {
  const pairs = [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S*))/g)];
  return Object.fromEntries(pairs.map(([, key, quoted, bare]) => [key, quoted ?? bare]));
}
