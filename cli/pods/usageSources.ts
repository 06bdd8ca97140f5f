import { metricsPort } from "../../cleaner/scriptNumbers";
import { metricsFile, runDirectory, shmVolume, sidecarContainer } from "../../cleaner/names";
import { sweepByStdin } from "../../cleaner/scripts";
import type { Cluster, ContainerPlace, NodeSummary } from "../../kubernetes/cluster";
import { isUnanswered } from "../../kubernetes/connection";
import { carriesSidecar } from "./containers";
import type { OutpostPod } from "./outpostPods";
import { wordsOf } from "./sidecarLog";

/** The source of a pod's numbers: the sidecar's metrics endpoint, a command in a container, or the kubelet. */
export type Source = "metrics" | "exec" | "kubelet";

/** Session files by state. */
export interface Sessions {
  anonymous: number;
  authenticated: number;
  debris: number;
}

/** The numbers that a source reports of a pod's /dev/shm. Anything that it does not report is undefined. */
export interface Usage {
  sizeBytes?: number;
  usedBytes?: number;
  /** Includes the one of the directory itself. */
  inodesUsed?: number;
  sessions?: Sessions;
  /** Age of the session saved longest ago, in seconds; undefined if there is no session. */
  oldestSeconds?: number;
  /** Last sweep of the sidecar, or last successful run of the CronJob. */
  lastSweepAt?: Date;
  /** Files that could not be removed, and sweeps that failed, since the pod started. */
  sweepErrors?: number;
}

/** The numbers, their source, and the reasons why better sources did not answer. */
interface Answer {
  usage: Usage;
  source?: Source;
  notes: string[];
}

/** A source, its name in the note of its failure ("… did not tell:"), and the question. */
type Attempt = [source: Source, what: string, ask: () => Promise<Usage>];

/** Longest wait for a count, in milliseconds. 65,000 files take about two seconds of CPU. */
const countTimeoutMs = 30_000;

/**
 * Returns a reader of a pod's numbers, from the best source that answers. The kubelet of a node is asked once. Where the API server
 * gets no answer from a pod's port, as behind a firewall between them, that is the last resort for the pods after it: each such
 * request takes ten seconds.
 */
export function usageReader(cluster: Cluster, now: Date): (pod: OutpostPod) => Promise<Answer> {
  const summaries = new Map<string, Promise<NodeSummary>>();
  const summaryOf = (node: string): Promise<NodeSummary> => {
    const asked = summaries.get(node) ?? cluster.nodeSummary(node);
    summaries.set(node, asked);
    return asked;
  };
  let isDeaf = false;
  return async (pod) => {
    const notes: string[] = [];
    const isLast = ([source]: Attempt) => Number(isDeaf && source === "metrics");
    const inOrder = attempts(cluster, pod, summaryOf, now).sort((a, b) => isLast(a) - isLast(b));
    for (const [source, what, ask] of inOrder) {
      try {
        return { usage: await ask(), source, notes };
      } catch (error) {
        isDeaf ||= source === "metrics" && isUnanswered(error);
        notes.push(`${what} did not tell: ${(error as Error).message}`);
      }
    }
    return { usage: {}, notes };
  };
}

type SummaryOf = (node: string) => Promise<NodeSummary>;

/** Lists the sources of a pod's numbers, the best first. */
function attempts(cluster: Cluster, outpostPod: OutpostPod, summaryOf: SummaryOf, now: Date): Attempt[] {
  const { namespace, name, container, pod } = outpostPod;
  const metrics = async () => usageOfMetrics(await cluster.podProxy(namespace, name, metricsPort, metricsFile), now);
  // The same metrics from the file that is served, for accounts that may exec but not `get pods/proxy`.
  const metricsOfFile = async () => {
    const place = { namespace, pod: name, container: sidecarContainer };
    const { status, stdout, stderr } = await cluster.exec(place, ["cat", `${runDirectory}/${metricsFile}`]);
    if (status !== 0) throw new Error(stderr.trim() || `exit status ${status}`);
    return usageOfMetrics(stdout, now);
  };
  const ofSidecar: Attempt[] = [
    ["metrics", "the metrics endpoint", metrics],
    ["exec", "the sidecar's metrics file", metricsOfFile],
  ];
  const count = async () => usageOfCount(await countIn(cluster, { namespace, pod: name, container }));
  return [
    ...(carriesSidecar(pod) ? ofSidecar : []),
    ["exec", `a count in container ${container}`, count],
    ["kubelet", "the kubelet", () => usageOfKubelet(outpostPod, summaryOf)],
  ];
}

async function usageOfKubelet({ namespace, name, pod }: OutpostPod, summaryOf: SummaryOf): Promise<Usage> {
  const node = pod.spec?.nodeName;
  if (!node) throw new Error("the pod is on no node");
  const { pods } = await summaryOf(node);
  const found = pods.find(({ podRef }) => podRef.name === name && podRef.namespace === namespace);
  const volume = found?.volume?.find((each) => each.name === shmVolume);
  if (!volume) throw new Error("it knows volumes only, not the /dev/shm every container has");
  return { sizeBytes: volume.capacityBytes, usedBytes: volume.usedBytes, inodesUsed: volume.inodesUsed };
}

/** Has a container count the sessions. Returns the words of the line that the sweep logs for that. */
export async function countIn(cluster: Cluster, place: ContainerPlace): Promise<Record<string, string>> {
  const { command, stdin } = sweepByStdin(["COUNT_ONLY=1"]);
  const { status, stdout, stderr } = await cluster.exec(place, command, { stdin, timeoutMs: countTimeoutMs });
  const line = stdout.split("\n").find((text) => text.includes(" event=count "));
  if (status !== 0 || !line) throw new Error(lastLine(stderr) ?? lastLine(stdout) ?? `exit status ${status}`);
  return wordsOf(line);
}

const prefix = "authentik_outpost_shm_";

/** Parses the sidecar's metrics. @throws if the text is not the sidecar's, or from before its first sweep */
function usageOfMetrics(text: string, now: Date): Usage {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const samples = new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
  const sample = (name: string) => samples.get(prefix + name);
  const state = (name: string) => sample(`session_files{state="${name}"}`) ?? 0;
  const lastSweep = sample("last_sweep_timestamp_seconds");
  if (sample("size_bytes") === undefined || lastSweep === undefined) throw new Error("no sweep has ended yet");
  const sessions = { anonymous: state("anonymous"), authenticated: state("authenticated"), debris: state("debris") };
  // The gauge dates from the last sweep, and the session has aged since.
  const since = Math.max(0, Math.round(now.getTime() / 1000 - lastSweep));
  return {
    sizeBytes: sample("size_bytes"),
    usedBytes: sample("used_bytes"),
    inodesUsed: sample("inodes_used"),
    sessions,
    oldestSeconds: ageOf(sessions, (sample("oldest_session_age_seconds") ?? 0) + since),
    lastSweepAt: new Date(lastSweep * 1000),
    sweepErrors: sample("sweep_errors_total"),
  };
}

/** Parses a count. @param words of the line that `cleaner/sweep.sh` logs with COUNT_ONLY=1 */
function usageOfCount(words: Record<string, string>): Usage {
  const number = (key: string): number => Number(words[key]);
  const [anonymous, authenticated, debris] = ["anonymous", "authenticated", "debris"].map(number);
  const sessions = { anonymous, authenticated, debris };
  return {
    sizeBytes: number("total_bytes"),
    usedBytes: number("used_bytes"),
    inodesUsed: number("inodes"),
    sessions,
    oldestSeconds: ageOf(sessions, number("oldest_age_seconds")),
  };
}

/** Returns undefined if there is no session, since then none is the oldest. */
const ageOf = ({ anonymous, authenticated }: Sessions, seconds: number): number | undefined =>
  anonymous + authenticated > 0 ? seconds : undefined;

const lastLine = (text: string): string | undefined => text.trim().split("\n").at(-1) || undefined;
