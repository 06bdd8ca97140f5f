import { shmVolume, cronJobName } from "../../cleaner/names";
import type { V1CronJob } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { solutionBy } from "../../settings/expectation";
import type { Solution } from "../../settings/settings";
import { quantityBytes } from "../../kubernetes/quantity";
import type { Cluster } from "../../kubernetes/cluster";
import { sweptOutposts } from "./cronJob";
import { hasSidecar } from "./containers";
import { isReady, troubleOf, type OutpostPod } from "./outpostPods";
import { mapParallel } from "../parallel";
import { usageSources, type Source, type Usage } from "./usageSources";

/** What is known of one pod. What no source told is undefined. */
export interface PodFacts extends Usage {
  pod: string;
  outpost: string;
  deployment?: string;
  node?: string;
  phase: string;
  ready: boolean;
  /** What keeps it from being ready, in the cluster's words. */
  trouble?: string;
  /** What sweeps it: by what is in the pod, and by what the CronJob names. */
  solution: Solution;
  /** Size that the pod's volume asks for, in bytes; undefined without our volume. */
  configuredSizeBytes?: number;
  /** Undefined where no source answered. */
  source?: Source;
  /** Why better sources did not answer, a line each. */
  notes: string[];
}

/** Looks at every pod, each by the best source that answers. A pod that none can tell of is a fact too, with the reasons. */
export async function podFacts(cluster: Cluster, pods: OutpostPod[], now: Date): Promise<PodFacts[]> {
  const namespaces = [...new Set(pods.map(({ namespace }) => namespace))];
  const cronJobs = await Promise.all(namespaces.map((namespace) => readCronJob(cluster, namespace)));
  const sources = usageSources(cluster, now);
  return mapParallel(pods, async (pod) => {
    const { cronJob, note } = cronJobs[namespaces.indexOf(pod.namespace)];
    const swept =
      cronJob !== undefined && cronJob.spec?.suspend !== true && sweptOutposts(cronJob).includes(pod.outpost);
    const facts = { ...statically(pod, swept), notes: note ? [note] : [] };
    if (facts.phase !== "Running") return { ...facts, notes: [...facts.notes, notRunning(facts)] };
    const { usage, source, notes } = await sources.ask(pod);
    const lastSweepAt =
      usage.lastSweepAt ?? (swept && !hasSidecar(pod.pod) ? cronJob?.status?.lastSuccessfulTime : undefined);
    return {
      ...facts,
      ...usage,
      source,
      ...(lastSweepAt && { lastSweepAt: new Date(lastSweepAt) }),
      notes: [...facts.notes, ...notes],
    };
  });
}

function statically({ name, outpost, deployment, pod }: OutpostPod, swept: boolean): PodFacts {
  const volume = pod.spec?.volumes?.find((volume) => volume.name === shmVolume);
  const trouble = isReady(pod) ? undefined : troubleOf(pod);
  return {
    pod: name,
    outpost,
    deployment,
    node: pod.spec?.nodeName,
    phase: pod.status?.phase ?? "Unknown",
    ready: isReady(pod),
    ...(trouble && { trouble }),
    solution: solutionBy({ sidecar: hasSidecar(pod), cronJob: swept }),
    configuredSizeBytes: quantityBytes(volume?.emptyDir?.sizeLimit ?? ""),
    notes: [],
  };
}

const notRunning = ({ phase, trouble }: PodFacts): string =>
  `the pod is ${phase}, not Running${trouble ? `: ${trouble}` : ""}`;

/** Whoever may not read CronJobs is told so, and everything else all the same. */
async function readCronJob(cluster: Cluster, namespace: string): Promise<{ cronJob?: V1CronJob; note?: string }> {
  try {
    return { cronJob: await cluster.cronJob(namespace, cronJobName) };
  } catch (error) {
    return { note: `whether a CronJob sweeps it is not known: ${(error as Error).message}` };
  }
}
