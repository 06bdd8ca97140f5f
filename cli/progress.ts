import { once } from "node:events";
import type { Cluster } from "../kubernetes/cluster";
import { atMost } from "../kubernetes/throttle";
import type { Io } from "./io";
import { counted } from "./units";

type Terminal = Pick<Io, "err" | "errIsTerminal">;

/** Shows a line on stderr in place of the last one, if that is a terminal. */
const showLine = (io: Terminal, text: string): void => {
  if (io.errIsTerminal) io.err(`\r\x1b[K${text}`);
};

/** Maps pods. On a terminal it reports on stderr how many are done, in a line that it removes afterwards. */
export async function withProgress<T, R>(
  io: Terminal,
  doing: string,
  items: T[],
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  let done = 0;
  const show = () => showLine(io, `${doing}: ${done} of ${items.length} pods`);
  show();
  try {
    return await mapParallel(items, async (item) => {
      const result = await map(item);
      done += 1;
      show();
      return result;
    });
  } finally {
    showLine(io, "");
  }
}

/** Number of calls at the same time: enough to hide their latency, few enough for an API server. */
const limit = 8;

/** Maps the items with at most eight calls at the same time, and keeps their order. Rejects with the first error. */
export function mapParallel<T, R>(items: T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const inTurn = atMost(limit);
  return Promise.all(items.map((item) => inTurn(() => map(item))));
}

/** Requests that a single pod or node answers, and so may leave without an answer. */
type Asking = Pick<Cluster, "exec" | "log" | "podProxy" | "nodeSummary">;

/** Default of `--timeout`, in seconds. */
export const podsTimeout = 60;

/**
 * Gives pods so many seconds for all that `work` asks of them. What has not answered by then counts as failed, so that the work ends
 * with what it knows. On a terminal it shows on stderr how many answers there are, in a line that it removes afterwards.
 */
export async function askingPods<T>(
  cluster: Cluster,
  io: Terminal,
  seconds: number,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.timeout(seconds * 1000);
  const end = once(limit, "abort").then((): never => {
    throw new Error(`no answer within ${seconds} s (--timeout)`);
  });
  end.catch(() => undefined); // it may come while nothing is asked
  let answers = 0;
  const bounded =
    <A extends unknown[], R>(ask: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (limit.aborted) throw new Error(`not asked: the ${seconds} s of --timeout were over`);
      const answer = Promise.race([ask(...args), end]);
      return answer.finally(() => showLine(io, `asking the pods: ${counted(++answers, "answer")}`));
    };
  const asking: Asking = {
    exec: bounded(cluster.exec),
    log: bounded(cluster.log),
    podProxy: bounded(cluster.podProxy),
    nodeSummary: bounded(cluster.nodeSummary),
  };
  try {
    return await work(Object.assign(Object.create(cluster) as Cluster, asking));
  } finally {
    if (answers > 0) showLine(io, "");
  }
}
