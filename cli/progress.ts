import type { Io } from "./io";
import { mapParallel } from "./parallel";

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
