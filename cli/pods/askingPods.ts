import type { Cluster } from "../../kubernetes/cluster";
import type { Io } from "../io";
import { counted } from "../units";

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
  io: Pick<Io, "err" | "errIsTerminal">,
  seconds: number,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  let isOver = false;
  let answers = 0;
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<never>((_resolve, reject) => {
    const over = () => ((isOver = true), reject(new Error(`no answer within ${seconds} s (--timeout)`)));
    timer = setTimeout(over, seconds * 1000);
  });
  end.catch(() => undefined); // it may come while nothing is asked
  const bounded =
    <A extends unknown[], R>(ask: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (isOver) throw new Error(`not asked: the ${seconds} s of --timeout were over`);
      try {
        return await Promise.race([ask(...args), end]);
      } finally {
        answers += 1;
        if (io.errIsTerminal) io.err(`\r\x1b[Kasking the pods: ${counted(answers, "answer")}`);
      }
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
    clearTimeout(timer);
    if (io.errIsTerminal && answers > 0) io.err("\r\x1b[K");
  }
}
