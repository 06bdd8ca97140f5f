import type { V1ContainerStatus, V1CronJob } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { ownSelector, scriptsConfigMap, sidecarContainer } from "../../cleaner/names";
import type { Cluster, OwnObject, Verdict } from "../../kubernetes/cluster";
import type { Deployment, LimitRange, Pod } from "../../kubernetes/types";
import { authentikContainerIn, findAuthentik, isWorker, type Authentik } from "../pods/authentikPods";
import { lookInside, type Inside } from "../pods/inside";
import { hintedNamespaces } from "../pods/everywhere";
import { findOutposts, isRunning, nameOf, statusesOf, type OutpostPod, type Outposts } from "../pods/outpostPods";
import { countIn } from "../pods/usageSources";
import { mapParallel } from "../progress";
import type { Target } from "../target";
import type { Unchecked } from "./finding";

/**
 * Everything that the checks look at, read once. Anything that could not be read is undefined or empty, and listed in
 * `unchecked`.
 */
export interface Snapshot extends Pick<
  Target,
  "namespace" | "kubectl" | "outpostShm" | "expectation" | "deliveredByAuthentik" | "authentikAccess"
> {
  outposts: Outposts;
  /** Other namespaces with outposts, looked up only if this one has none. */
  elsewhere: string[];
  authentik: Authentik;
  /** The last lines of the logs of authentik's own pods, by pod. */
  authentikLogs: Record<string, string>;
  cronJobs: V1CronJob[];
  limitRanges: LimitRange[];
  /** Objects with our label in the namespace. */
  ownObjects: OwnObject[];
  /** The cluster's version, such as `v1.34.4`. */
  version?: string;
  /** The sidecars' scripts by file name; undefined if their ConfigMap is missing. */
  scripts?: Record<string, string>;
  /** The sessions in each running pod, as the words of the sweep's count. */
  counts: Record<string, Record<string, string>>;
  /** The facts that a command in each pod's own container reports, if it is running. */
  insides: Record<string, Inside>;
  /** The user's right to exec in the pods, by verb. */
  mayExec: { verb: string; verdict: Verdict }[];
  /** The last lines of each sidecar's log, from its previous run if it is not running. */
  sidecarLogs: Record<string, string>;
  /** The time at which it was read. */
  now: Date;
  /** The same Deployments a while later; only with `--observe`. */
  later?: Deployment[];
  unchecked: Unchecked[];
}

/** Tells whether this could not be read. */
export const isUnchecked = ({ unchecked }: Snapshot, wanted: string): boolean =>
  unchecked.some(({ what }) => what === wanted);

/** Lines read from the end of a log. authentik logs every request, so more of its log is read. */
const sidecarTail = 50;
const authentikTail = 2_000;
/** Number of authentik's pods whose logs are read, workers first: enough for those of one installation. */
const authentikPods = 8;

/** Reads the whole snapshot. Rejects only if not even the outposts can be listed. */
export async function readSnapshot(
  target: Target,
  authentikNamespace: string | undefined,
  now: Date,
): Promise<Snapshot> {
  const { cluster, namespace, kubectl, outpostShm, expectation, deliveredByAuthentik, authentikAccess } = target;
  const unchecked: Unchecked[] = [];
  const attempt = <T>(what: string, instead: T, read: () => Promise<T>): Promise<T> =>
    read().catch((error: Error) => (unchecked.push({ what, why: error.message }), instead));
  const outposts = await findOutposts(target);
  const authentik = await findAuthentik(cluster, authentikNamespace ?? namespace);
  const { pods, deployments } = outposts;
  const facts = await allOf({
    authentikLogs: logsOfAuthentik(cluster, authentik, unchecked),
    cronJobs: attempt("CronJobs", [], () => cluster.cronJobs(namespace)),
    ownObjects: attempt("leftovers", [], () => cluster.ownObjects(namespace, ownSelector)),
    version: attempt("the cluster's version", undefined, () => released(cluster.version())),
    mayExec: attempt("exec", [], () => execVerdicts(cluster, namespace)),
    sidecarLogs: logsOfSidecars(cluster, pods, unchecked),
    counts: countsOf(cluster, pods, unchecked),
    insides: insidesOf(cluster, pods),
    scripts: attempt("scripts", undefined, async () => (await cluster.configMap(namespace, scriptsConfigMap))?.data),
    limitRanges: attempt("LimitRanges", [], () => cluster.limitRanges(namespace)),
    elsewhere: deployments.length + pods.length > 0 ? [] : hintedNamespaces(cluster),
  });
  const ofTarget = { namespace, kubectl, outpostShm, expectation, deliveredByAuthentik, authentikAccess };
  return { ...ofTarget, outposts, authentik, now, unchecked, ...facts };
}

/** Awaits every value at the same time. */
async function allOf<T extends object>(values: T): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  const awaited = Object.entries(values).map(async ([key, value]) => [key, await value] as const);
  return Object.fromEntries(await Promise.all(awaited)) as { [K in keyof T]: Awaited<T[K]> };
}

/** Rejects a version such as v0.0.0, which a server reports if it was built without one. */
async function released(version: Promise<string>): Promise<string> {
  const said = await version;
  if (said.startsWith("v0.")) throw new Error(`the API server says ${said}`);
  return said;
}

function execVerdicts(cluster: Cluster, namespace: string): Promise<Snapshot["mayExec"]> {
  const ask = async (verb: string) => ({
    verb,
    verdict: await cluster.selfMay({ namespace, resource: "pods", subresource: "exec", verb }),
  });
  return Promise.all(["create", "get"].map(ask));
}

async function logsOfAuthentik(
  cluster: Cluster,
  { namespace, pods, unknown }: Authentik,
  unchecked: Unchecked[],
): Promise<Record<string, string>> {
  const what = "authentik's log";
  if (pods.length === 0) {
    const why = unknown ?? `no pods with the label app.kubernetes.io/name=authentik in namespace ${namespace}`;
    unchecked.push({ what, why: `${why}; --authentik-namespace names another` });
    return {};
  }
  // Workers apply the patches, and log why one does not fit.
  const workersFirst = [...pods].sort((a, b) => Number(isWorker(b)) - Number(isWorker(a)));
  const logs = mapParallel(workersFirst.slice(0, authentikPods), async (pod) => {
    const place = { namespace, pod: nameOf(pod), container: authentikContainerIn(pod) };
    const log = await cluster.log(place, { tailLines: authentikTail }).catch((error: Error) => {
      unchecked.push({ what: `${what} in pod ${place.pod}`, why: error.message });
      return "";
    });
    return [place.pod, log] as const;
  });
  return Object.fromEntries(await logs);
}

/** Asks each pod. Those that do not answer are one entry of what could not be checked. */
async function ofPods<T>(
  what: string,
  pods: OutpostPod[],
  unchecked: Unchecked[],
  ask: (pod: OutpostPod) => Promise<T>,
): Promise<Record<string, T>> {
  const asked = await mapParallel(pods, async (pod) => {
    try {
      return { answer: [pod.name, await ask(pod)] as const };
    } catch (error) {
      return { failure: `${pod.name}: ${(error as Error).message}` };
    }
  });
  const failures = asked.flatMap(({ failure }) => failure ?? []);
  const many = `${failures.length} of ${pods.length} pods did not answer; `;
  if (failures.length > 0) unchecked.push({ what, why: `${pods.length > 1 ? many : ""}${failures[0]}` });
  return Object.fromEntries(asked.flatMap(({ answer }) => (answer ? [answer] : [])));
}

function logsOfSidecars(cluster: Cluster, pods: OutpostPod[], unchecked: Unchecked[]): Promise<Record<string, string>> {
  const withSidecar = pods.filter(({ pod }) => sidecarStatus(pod)?.containerID !== undefined);
  return ofPods("logs of sidecars", withSidecar, unchecked, ({ namespace, name, pod }) => {
    const place = { namespace, pod: name, container: sidecarContainer };
    const previous = !isRunning(pod, sidecarContainer) && (sidecarStatus(pod)?.restartCount ?? 0) > 0;
    // The runtime may have removed the log of the previous run.
    return cluster
      .log(place, { tailLines: sidecarTail, previous })
      .catch(() => cluster.log(place, { tailLines: sidecarTail }));
  });
}

async function insidesOf(cluster: Cluster, pods: OutpostPod[]): Promise<Snapshot["insides"]> {
  const insides = await mapParallel(pods, async (pod) => [pod.name, await lookInside(cluster, pod)] as const);
  return Object.fromEntries(insides);
}

function countsOf(cluster: Cluster, pods: OutpostPod[], unchecked: Unchecked[]): Promise<Snapshot["counts"]> {
  const running = pods.filter(({ pod }) => pod.status?.phase === "Running");
  return ofPods("machine clients", running, unchecked, ({ namespace, name, pod, ...own }) => {
    const container = isRunning(pod, sidecarContainer) ? sidecarContainer : own.container;
    return countIn(cluster, { namespace, pod: name, container });
  });
}

export const sidecarStatus = (pod: Pod): V1ContainerStatus | undefined =>
  statusesOf(pod).find(({ name }) => name === sidecarContainer);
