import type { Io } from "./io";

/** Maps pods. On a terminal it reports on stderr how many are done, in a line that it removes afterwards. */
export async function withProgress<T, R>(
  io: Pick<Io, "err" | "errIsTerminal">,
  doing: string,
  items: T[],
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  let done = 0;
  const show = () => {
    if (io.errIsTerminal) io.err(`\r\x1b[K${doing}: ${done} of ${items.length} pods`);
  };
  show();
  try {
    return await mapParallel(items, async (item) => {
      const result = await map(item);
      done += 1;
      show();
      return result;
    });
  } finally {
    if (io.errIsTerminal) io.err("\r\x1b[K");
  }
}

/** Number of calls at the same time: enough to hide their latency, few enough for an API server. */
const limit = 8;

/** Maps the items with at most eight calls at the same time, and keeps their order. Rejects with the first error. */
export async function mapParallel<T, R>(items: T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await map(items[index]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
