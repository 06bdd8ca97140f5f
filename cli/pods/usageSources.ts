import { metricsPort } from "../../cleaner/constants";
import { metricsFile, runDirectory, shmVolume, sidecarContainer } from "../../cleaner/names";
import { sweepByStdin } from "../../cleaner/scripts";
import type { Cluster, ContainerPlace, NodeSummary } from "../../kubernetes/cluster";
import { carriesSidecar } from "./containers";
import { samplesOf, wordsOf } from "./metrics";
import type { OutpostPod } from "./outpostPods";

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
export interface Answer {
  usage: Usage;
  source?: Source;
  notes: string[];
}

interface Attempt {
  source: Source;
  /** Completes "… did not tell:" in the note of its failure. */
  what: string;
  ask: () => Promise<Usage>;
}

/** Longest wait for a count, in milliseconds. 65,000 files take about two seconds of CPU. */
const countTimeoutMs = 30_000;

/** Returns a reader of a pod's numbers, from the best source that answers. The kubelet of a node is asked once. */
export function usageSources(cluster: Cluster, now: Date): { ask: (pod: OutpostPod) => Promise<Answer> } {
  const summaries = new Map<string, Promise<NodeSummary>>();
  const summaryOf = (node: string): Promise<NodeSummary> => {
    const asked = summaries.get(node) ?? cluster.nodeSummary(node);
    summaries.set(node, asked);
    return asked;
  };
  return {
    ask: (pod) =>
      firstOf([
        ...(carriesSidecar(pod.pod) ? [metricsEndpoint(cluster, pod, now), metricsInContainer(cluster, pod, now)] : []),
        count(cluster, pod),
        kubelet(summaryOf, pod),
      ]),
  };
}

async function firstOf(attempts: Attempt[]): Promise<Answer> {
  const notes: string[] = [];
  for (const { source, what, ask } of attempts) {
    try {
      return { usage: await ask(), source, notes };
    } catch (error) {
      notes.push(`${what} did not tell: ${(error as Error).message}`);
    }
  }
  return { usage: {}, notes };
}

function metricsEndpoint(cluster: Cluster, { namespace, name }: OutpostPod, now: Date): Attempt {
  return {
    source: "metrics",
    what: "the metrics endpoint",
    ask: async () => usageOfMetrics(await cluster.podProxy(namespace, name, metricsPort, metricsFile), now),
  };
}

/** Reads the same metrics from the file that is served, for accounts that may exec but not `get pods/proxy`. */
function metricsInContainer(cluster: Cluster, { namespace, name }: OutpostPod, now: Date): Attempt {
  return {
    source: "exec",
    what: "the sidecar's metrics file",
    ask: async () => {
      const place = { namespace, pod: name, container: sidecarContainer };
      const { status, stdout, stderr } = await cluster.exec(place, ["cat", `${runDirectory}/${metricsFile}`]);
      if (status !== 0) throw new Error(stderr.trim() || `exit status ${status}`);
      return usageOfMetrics(stdout, now);
    },
  };
}

function count(cluster: Cluster, { namespace, name, container }: OutpostPod): Attempt {
  return {
    source: "exec",
    what: `a count in container ${container}`,
    ask: async () => usageOfCount(await countIn(cluster, { namespace, pod: name, container })),
  };
}

/** Has a container count the sessions. Returns the words of the line that the sweep logs for that. */
export async function countIn(cluster: Cluster, place: ContainerPlace): Promise<Record<string, string>> {
  const { command, stdin } = sweepByStdin(["COUNT_ONLY=1"]);
  const { status, stdout, stderr } = await cluster.exec(place, command, { stdin, timeoutMs: countTimeoutMs });
  const line = stdout.split("\n").find((text) => text.includes(" event=count "));
  if (status !== 0 || !line) throw new Error(lastLine(stderr) ?? lastLine(stdout) ?? `exit status ${status}`);
  return wordsOf(line);
}

function kubelet(summaryOf: (node: string) => Promise<NodeSummary>, { namespace, name, pod }: OutpostPod): Attempt {
  return {
    source: "kubelet",
    what: "the kubelet",
    ask: async () => {
      const node = pod.spec?.nodeName;
      if (!node) throw new Error("the pod is on no node");
      const { pods } = await summaryOf(node);
      const found = pods.find(({ podRef }) => podRef.name === name && podRef.namespace === namespace);
      const volume = found?.volume?.find((each) => each.name === shmVolume);
      if (!volume) throw new Error("it knows volumes only, not the /dev/shm every container has");
      return { sizeBytes: volume.capacityBytes, usedBytes: volume.usedBytes, inodesUsed: volume.inodesUsed };
    },
  };
}

const prefix = "authentik_outpost_shm_";

/** Parses the sidecar's metrics. @throws if the text is not the sidecar's, or from before its first sweep */
export function usageOfMetrics(text: string, now: Date): Usage {
  const samples = samplesOf(text);
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
export function usageOfCount(words: Record<string, string>): Usage {
  const number = (key: string): number => Number(words[key]);
  const sessions = {
    anonymous: number("anonymous"),
    authenticated: number("authenticated"),
    debris: number("debris"),
  };
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
