import type { V1CronJob } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { cronJobName } from "../../cleaner/names";
import type { Cluster } from "../../kubernetes/cluster";
import { quantityBytes } from "../../kubernetes/quantity";
import { solutionBy } from "../../settings/verifyExpectation";
import type { Solution } from "../../settings/types";
import { mapParallel } from "../progress";
import { carriesSidecar, shmSizeOf } from "./containers";
import { sweptDeployments } from "./sweptDeployments";
import { isReady, notRunning, troubleOf, type OutpostPod } from "./outpostPods";
import { usageReader, type Source, type Usage } from "./usageSources";

/** The facts about one pod. Anything that no source reported is undefined. */
export interface PodFacts extends Usage {
  namespace: string;
  pod: string;
  outpost: string;
  deployment?: string;
  node?: string;
  phase: string;
  ready: boolean;
  /** Reason why it is not ready, in the cluster's words. */
  trouble?: string;
  /** The solution in force, by the containers of the pod and the outposts of the CronJob. */
  solution: Solution;
  /** Size that the pod's volume asks for, in bytes; undefined without our volume. */
  configuredSizeBytes?: number;
  /** Undefined if no source answered. */
  source?: Source;
  /** Reasons why better sources did not answer. */
  notes: string[];
}

/**
 * Reads the facts about every pod, each from the best source that answers. A pod without an answer is listed too, with the
 * reasons.
 */
export async function podFacts(cluster: Cluster, pods: OutpostPod[], now: Date): Promise<PodFacts[]> {
  const namespaces = [...new Set(pods.map(({ namespace }) => namespace))];
  const cronJobs = await Promise.all(namespaces.map((namespace) => readCronJob(cluster, namespace)));
  const readUsage = usageReader(cluster, now);
  return mapParallel(pods, async (pod) => {
    const { cronJob, note } = cronJobs[namespaces.indexOf(pod.namespace)];
    const swept = cronJob?.spec?.suspend !== true && sweptDeployments(cronJob).includes(pod.deployment ?? "");
    const facts = { ...statically(pod, swept), notes: note ? [note] : [] };
    const cannotTell = notRunning(pod.pod);
    if (cannotTell) return { ...facts, notes: [...facts.notes, cannotTell] };
    const { usage, source, notes } = await readUsage(pod);
    const lastSweepAt =
      usage.lastSweepAt ?? (swept && !carriesSidecar(pod.pod) ? cronJob?.status?.lastSuccessfulTime : undefined);
    return {
      ...facts,
      ...usage,
      source,
      ...(lastSweepAt && { lastSweepAt: new Date(lastSweepAt) }),
      notes: [...facts.notes, ...notes],
    };
  });
}

function statically({ namespace, name, outpost, deployment, pod }: OutpostPod, swept: boolean): PodFacts {
  const trouble = isReady(pod) ? undefined : troubleOf(pod);
  return {
    namespace,
    pod: name,
    outpost,
    deployment,
    node: pod.spec?.nodeName,
    phase: pod.status?.phase ?? "Unknown",
    ready: isReady(pod),
    ...(trouble && { trouble }),
    solution: solutionBy({ sidecar: carriesSidecar(pod), cronJob: swept }),
    configuredSizeBytes: quantityBytes(shmSizeOf(pod) ?? ""),
    notes: [],
  };
}

/** Reads the CronJob. An account that may not read it gets a note about that, and all other facts. */
async function readCronJob(cluster: Cluster, namespace: string): Promise<{ cronJob?: V1CronJob; note?: string }> {
  try {
    return { cronJob: await cluster.cronJob(namespace, cronJobName) };
  } catch (error) {
    return { note: `whether a CronJob sweeps it is not known: ${(error as Error).message}` };
  }
}
