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
