// A throw-away Kubernetes cluster: a real API server with its controllers and scheduler, and one node.
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { CONTROL_PLANE_TOOLS, isPortTaken, startControlPlane, type ControlPlaneTools } from "./cluster/controlPlane";
import { SANDBOX_NODE, type Credentials } from "./cluster/credentials";
import { CONTEXT, writeKubeconfig } from "./cluster/kubeconfig";
import { startKwokNode } from "./node/kwok";
import { ensureNodePackages } from "./node/packages";
import { NODE_TOOLS, prepareGround, startPodNode, type Ground, type PodNode } from "./node/podNode";
import { Processes } from "./processes";
import type { Progress } from "./progress";
import { ensureTools } from "./toolchain";
import { waitUntil } from "./waitUntil";

export interface Cluster {
  /** Path of the administrator's kubeconfig, readable to its owner only. */
  readonly kubeconfig: string;
  /** Name of its one context: "sandbox". */
  readonly context: string;
  /** URL of the API server. */
  readonly server: string;
  /** Folder of its kubeconfig, state and logs. */
  readonly dir: string;
  /** Aborted, with the reason, when one of its processes ends unasked. */
  readonly death: AbortSignal;
  /** Ends its processes in order, then removes its state and kubeconfig; the logs in `dir`/log stay. Further calls do nothing. */
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** Folder for its files, made where missing. */
  dir: string;
  progress: Progress;
}

/** A cluster whose pods run. */
export interface NodeCluster extends Cluster {
  readonly node: PodNode;
}

/** Where a cluster keeps what. */
interface Files {
  dir: string;
  kubeconfig: string;
  /** Removed by stop(). Only the owner may enter: credentials and etcd's sockets are in it. */
  stateDir: string;
  logDir: string;
}

/** A cluster in the making: what its node is started from. */
interface Made {
  files: Files;
  processes: Processes;
  server: string;
  credentials: Credentials;
}

/** Which node a cluster gets. */
interface Plan<N> {
  controlPlane: ControlPlaneTools;
  /** Makes what control plane and node stand on together; default: both are processes of this machine. */
  ground?: (files: Files, processes: Processes) => Promise<Ground>;
  startNode: (made: Made, ground?: Ground) => Promise<N>;
}

/** What {@link startCluster} needs of the toolchain. */
export const CLUSTER_TOOLS = [...CONTROL_PLANE_TOOLS, "kwok"] as const;
/** What {@link startNodeCluster} needs. */
export const NODE_CLUSTER_TOOLS = [...CONTROL_PLANE_TOOLS, ...NODE_TOOLS] as const;

/** How long the node and the first ServiceAccount may take to appear, in milliseconds. */
const USABLE_TIMEOUT_MS = 60_000;
/** Between asking for a free port and binding it another process may take it; so often the start is tried. */
const PORT_ATTEMPTS = 5;

/**
 * Starts a cluster that keeps its files in `dir`. Resolves when the API server and the node are ready and pods can be made in the
 * namespace `default`; no pod runs there, kwok only plays that they do. Its processes end with this process at the latest.
 *
 * Throws where `dir` holds a cluster already, what {@link ensureTools} throws, and the end of a process's log where that process died.
 */
export async function startCluster({ dir, progress }: ClusterOptions): Promise<Cluster> {
  const { kwok, ...controlPlane } = await ensureTools(CLUSTER_TOOLS, progress);
  const startNode = ({ files, processes }: Made) => startKwokNode({ ...files, kwok, processes });
  const { cluster } = await startAndTell({ dir, progress }, { controlPlane, startNode });
  return cluster;
}

/**
 * The same with a node that runs pods, of the images that are on it and no others; they reach the API server and nothing outside
 * the sandbox. Needs root and Debian packages, which it installs. Throws, beside the above, where it can't have them.
 */
export async function startNodeCluster({ dir, progress }: ClusterOptions): Promise<NodeCluster> {
  ensureNodePackages(progress);
  const tools = await ensureTools(NODE_CLUSTER_TOOLS, progress);
  const ground = (files: Files, processes: Processes) => prepareGround({ ...files, processes });
  const startNode = (made: Made, ground?: Ground) => startPodNode({ ...made, ...made.files, tools, ground: ground! });
  const { cluster, node } = await startAndTell({ dir, progress }, { controlPlane: tools, ground, startNode });
  return { ...cluster, node };
}

async function startAndTell<N>(
  { dir, progress }: ClusterOptions,
  plan: Plan<N>,
): Promise<{ cluster: Cluster; node: N }> {
  const step = progress.step("starting the cluster");
  try {
    const started = await startOnFreePort(filesIn(resolve(dir)), plan);
    const { server, death } = started.cluster;
    step.done(server);
    death.addEventListener("abort", () => progress.say(String(death.reason)), { once: true });
    return started;
  } catch (error) {
    step.fail();
    throw error;
  }
}

function filesIn(dir: string): Files {
  return { dir, kubeconfig: join(dir, "kubeconfig"), stateDir: join(dir, "state"), logDir: join(dir, "log") };
}

async function startOnFreePort<N>(files: Files, plan: Plan<N>): Promise<{ cluster: Cluster; node: N }> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(files, plan);
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !isPortTaken(error)) throw error;
    }
  }
}

async function start<N>(files: Files, plan: Plan<N>): Promise<{ cluster: Cluster; node: N }> {
  claim(files);
  const { dir, kubeconfig } = files;
  const processes = new Processes();
  const stop = async () => {
    await processes.stop();
    rmSync(files.stateDir, { recursive: true, force: true });
    rmSync(kubeconfig, { force: true });
  };
  try {
    const ground = await plan.ground?.(files, processes);
    const { server, credentials } = await startControlPlane({ ...files, tools: plan.controlPlane, processes, ground });
    writeKubeconfig(kubeconfig, { server, caFile: credentials.caFile, token: credentials.tokens.admin });
    const node = await plan.startNode({ files, processes, server, credentials }, ground);
    await untilUsable(kubeconfig, processes.death);
    return { cluster: { dir, kubeconfig, context: CONTEXT, server, death: processes.death, stop }, node };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Two clusters in one folder would remove each other's state. */
function claim({ dir, stateDir, logDir }: Files): void {
  if (existsSync(stateDir)) {
    throw new Error(`${dir} holds a cluster already: stop that one first, or, if none runs, remove ${stateDir}`);
  }
  mkdirSync(logDir, { recursive: true });
  mkdirSync(stateDir, { mode: 0o700 });
}

/** The controllers say that they work by what they do: the node's taints are gone once it is Ready, and a namespace gets its ServiceAccount. */
async function untilUsable(kubeconfig: string, signal: AbortSignal): Promise<void> {
  const { CoreV1Api, KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const nodeIsReady = async () => {
    const node = await core.readNode({ name: SANDBOX_NODE });
    const ready = node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    return (ready && !node.spec?.taints?.length) || undefined;
  };
  const accountExists = async () => {
    await core.readNamespacedServiceAccount({ name: "default", namespace: "default" });
    return true;
  };
  const timeoutMs = USABLE_TIMEOUT_MS;
  await waitUntil(nodeIsReady, { what: `node ${SANDBOX_NODE} to be ready`, timeoutMs, signal });
  await waitUntil(accountExists, { what: "the ServiceAccount of namespace default", timeoutMs, signal });
}
