import { ownSelector } from "../../cleaner/names";
import { sidecarContainer } from "../../cleaner/names";
import type { V1CronJob, V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Expectation } from "../../settings/expectation";
import type { Cluster, OwnObject, Verdict } from "../../kubernetes/cluster";
import { mapParallel } from "../parallel";
import { findAuthentik, type Authentik } from "../pods/authentikPods";
import { namespacesWithOutposts } from "../pods/noOutposts";
import { findOutposts, isRunning, type OutpostPod, type Outposts } from "../pods/outpostPods";
import type { Target } from "../target";
import type { Unchecked } from "./finding";

/** All that the checks look at, read once. What could not be read is undefined or empty, and among `unchecked`. */
export interface Snapshot {
  namespace: string;
  kubectl: string;
  outpostShm: Target["outpostShm"];
  /** What the stack wants; undefined without one. */
  expectation?: Expectation;
  outposts: Outposts;
  /** Other namespaces that have outposts; looked for only where this one has none. */
  elsewhere: string[];
  authentik: Authentik;
  /** Ends of the logs of authentik's own pods, by pod. */
  authentikLogs: Record<string, string>;
  cronJobs: V1CronJob[];
  /** Objects with our label in the namespace. */
  ownObjects: OwnObject[];
  /** As `v1.34.4`. */
  version?: string;
  /** Whether one may exec in the pods, by verb. */
  mayExec: { verb: string; verdict: Verdict }[];
  /** End of each sidecar's log, that of its last life where it is not running. */
  sidecarLogs: Record<string, string>;
  /** The same Deployments a while later; only with `--observe`. */
  later?: V1Deployment[];
  unchecked: Unchecked[];
}

/** Lines from the end: of a sidecar, and of authentik, which logs every request. */
const sidecarTail = 50;
const authentikTail = 2_000;
/** authentik's pods whose logs are read: enough for servers and workers of an installation. */
const authentikPods = 8;

/** Reads it all. Rejects only where not even outposts can be listed. */
export async function readSnapshot(target: Target, authentikNamespace: string | undefined): Promise<Snapshot> {
  const { cluster, namespace, kubectl, outpostShm, expectation } = target;
  const unchecked: Unchecked[] = [];
  const attempt = async <T>(what: string, instead: T, read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      unchecked.push({ what, why: (error as Error).message });
      return instead;
    }
  };
  const outposts = await findOutposts(cluster, namespace);
  const authentik = await findAuthentik(cluster, authentikNamespace ?? namespace);
  const [authentikLogs, cronJobs, ownObjects, version, mayExec, sidecarLogs, elsewhere] = await Promise.all([
    logsOfAuthentik(cluster, authentik, unchecked),
    attempt("CronJobs", [], () => cluster.cronJobs(namespace)),
    attempt("leftovers", [], () => cluster.ownObjects(namespace, ownSelector)),
    attempt("the cluster's version", undefined, () => released(cluster.version())),
    attempt("exec", [], () => execVerdicts(cluster, namespace)),
    attempt("logs of sidecars", {}, () => logsOfSidecars(cluster, outposts.pods)),
    outposts.deployments.length + outposts.pods.length > 0 ? [] : namespacesWithOutposts({ cluster }),
  ]);
  const read = { authentikLogs, cronJobs, ownObjects, mayExec, sidecarLogs, elsewhere, unchecked };
  const known = { namespace, kubectl, outpostShm, outposts, authentik, ...read };
  return { ...known, ...(version && { version }), ...(expectation && { expectation }) };
}

/** A server that was built without its version says v0.0.0. */
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
  const logs = await mapParallel(pods.slice(0, authentikPods), async ({ metadata, spec }) => {
    const place = { namespace, pod: metadata?.name ?? "", container: spec?.containers[0]?.name ?? "" };
    try {
      return { pod: place.pod, log: await cluster.log(place, { tailLines: authentikTail }) };
    } catch (error) {
      unchecked.push({ what: `${what} in pod ${place.pod}`, why: (error as Error).message });
      return { pod: place.pod, log: "" };
    }
  });
  return Object.fromEntries(logs.map(({ pod, log }) => [pod, log]));
}

async function logsOfSidecars(cluster: Cluster, pods: OutpostPod[]): Promise<Record<string, string>> {
  const withSidecar = pods.filter(({ pod }) => sidecarStatus(pod)?.containerID !== undefined);
  const logs = await mapParallel(withSidecar, async ({ namespace, name, pod }) => {
    const place = { namespace, pod: name, container: sidecarContainer };
    const previous = !isRunning(pod, sidecarContainer) && (sidecarStatus(pod)?.restartCount ?? 0) > 0;
    // The runtime may have removed that of the last life.
    const log = await cluster
      .log(place, { tailLines: sidecarTail, previous })
      .catch(() => cluster.log(place, { tailLines: sidecarTail }));
    return [name, log] as const;
  });
  return Object.fromEntries(logs);
}

export function sidecarStatus({ status }: OutpostPod["pod"]) {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return all.find(({ name }) => name === sidecarContainer);
}
