// A throw-away Kubernetes cluster: a real API server with its controllers and scheduler, and one node.
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { clients } from "./clients";
import { CONTROL_PLANE_TOOLS, isPortTaken, startControlPlane } from "./cluster/controlPlane";
import { CONTEXT, SANDBOX_NODE } from "./cluster/credentials";
import { startKwokNode } from "./node/kwok";
import type { Site } from "./node/machine";
import { ensureNodePackages } from "./node/packages";
import { NODE_TOOLS, prepareGround, startPodNode, type PodNode } from "./node/podNode";
import { Processes } from "./processes";
import { asStep, type Progress } from "./progress";
import { ensureTools } from "./toolchain";
import { waitUntil } from "./waitUntil";

export interface Cluster {
  /** Path of the administrator's kubeconfig, which only its owner can read. */
  readonly kubeconfig: string;
  /** Name of its only context: "sandbox". */
  readonly context: string;
  /** URL of the API server. */
  readonly server: string;
  /** Folder of its kubeconfig, state and logs. */
  readonly dir: string;
  /** Aborts, with the reason, when one of its processes ends unasked. */
  readonly death: AbortSignal;
  /** Ends its processes in order, then removes state and kubeconfig. The logs in `dir`/log stay. Further calls do nothing. */
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** Folder for its files; created if missing. */
  dir: string;
  progress: Progress;
  /** More flags of the API server. */
  apiServerFlags?: string[];
}

/** A cluster whose pods really run. */
export interface NodeCluster extends Cluster {
  readonly node: PodNode;
}

/** Starts the control plane and the node. */
type Begin<N> = (site: Site & { kubeconfig: string }) => Promise<{ server: string; node: N }>;

/** Tools that {@link startCluster} requires. */
export const CLUSTER_TOOLS = [...CONTROL_PLANE_TOOLS, "kwok"] as const;
/** Tools that {@link startNodeCluster} requires. */
export const NODE_CLUSTER_TOOLS = [...CONTROL_PLANE_TOOLS, ...NODE_TOOLS] as const;

/** Longest wait for the node and the first ServiceAccount, in milliseconds. */
const USABLE_TIMEOUT_MS = 60_000;
/** Number of attempts to start, since another process may take a free port before we bind it. */
const PORT_ATTEMPTS = 5;

/**
 * Starts a cluster that keeps its files in `dir`. Resolves when the API server and the node are ready and pods can be created
 * in the namespace `default`. No pod runs there, kwok only plays that they do. The processes end with this process at the
 * latest.
 *
 * Throws if `dir` already holds a cluster, with the error of {@link ensureTools}, or with the end of the log of a process that
 * died.
 */
export async function startCluster({ dir, progress, apiServerFlags }: ClusterOptions): Promise<Cluster> {
  const tools = await ensureTools(CLUSTER_TOOLS, progress);
  const { cluster } = await startAndTell(dir, progress, async (site) => {
    const { server } = await startControlPlane({ ...site, tools, apiServerFlags });
    return { server, node: await startKwokNode({ ...site, kwok: tools.kwok }) };
  });
  return cluster;
}

/**
 * Starts a cluster whose node runs pods, but only of the images that are on it. Pods reach the API server and nothing outside
 * the sandbox. Requires root and Debian packages, which it installs; also throws if it can't get them.
 */
export async function startNodeCluster({ dir, progress }: ClusterOptions): Promise<NodeCluster> {
  ensureNodePackages(progress);
  const tools = await ensureTools(NODE_CLUSTER_TOOLS, progress);
  const { cluster, node } = await startAndTell(dir, progress, async (site) => {
    const ground = await prepareGround(site);
    const { server, kubeconfigOf } = await startControlPlane({ ...site, tools, ground });
    return { server, node: await startPodNode({ ...site, tools, ground, kubeconfigOf }) };
  });
  return { ...cluster, node };
}

async function startAndTell<N>(
  dir: string,
  progress: Progress,
  begin: Begin<N>,
): Promise<{ cluster: Cluster; node: N }> {
  const work = () => startOnFreePort(resolve(dir), begin);
  const started = await asStep(progress, "starting the cluster", work, ({ cluster }) => cluster.server);
  const { death } = started.cluster;
  death.addEventListener("abort", () => progress.say(String(death.reason)), { once: true });
  return started;
}

async function startOnFreePort<N>(dir: string, begin: Begin<N>): Promise<{ cluster: Cluster; node: N }> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(dir, begin);
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !isPortTaken(error)) throw error;
    }
  }
}

async function start<N>(dir: string, begin: Begin<N>): Promise<{ cluster: Cluster; node: N }> {
  const kubeconfig = join(dir, "kubeconfig");
  const [stateDir, logDir] = claim(dir);
  const processes = new Processes();
  const stop = async () => {
    await processes.stop();
    rmSync(stateDir, { recursive: true, force: true });
    rmSync(kubeconfig, { force: true });
  };
  try {
    const { server, node } = await begin({ kubeconfig, stateDir, logDir, processes });
    await untilUsable(kubeconfig, processes.death);
    return { cluster: { dir, kubeconfig, context: CONTEXT, server, death: processes.death, stop }, node };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Claims the folder, since two clusters in one would remove each other's state. */
function claim(dir: string): [stateDir: string, logDir: string] {
  const [stateDir, logDir] = [join(dir, "state"), join(dir, "log")];
  if (existsSync(stateDir)) {
    throw new Error(`${dir} holds a cluster already: stop that one first, or, if none runs, remove ${stateDir}`);
  }
  mkdirSync(logDir, { recursive: true });
  mkdirSync(stateDir, { mode: 0o700 });
  return [stateDir, logDir];
}

/** Waits until the controllers have worked: the Ready node has lost its taints, and a namespace has its ServiceAccount. */
async function untilUsable(kubeconfig: string, signal: AbortSignal): Promise<void> {
  const { core } = await clients(kubeconfig);
  const nodeIsReady = async () => {
    const node = await core.readNode({ name: SANDBOX_NODE });
    const ready = node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    return ready && !node.spec?.taints?.length;
  };
  const accountExists = async () => {
    await core.readNamespacedServiceAccount({ name: "default", namespace: "default" });
    return true;
  };
  const timeoutMs = USABLE_TIMEOUT_MS;
  await waitUntil(nodeIsReady, { what: `node ${SANDBOX_NODE} to be ready`, timeoutMs, signal });
  await waitUntil(accountExists, { what: "the ServiceAccount of namespace default", timeoutMs, signal });
}
