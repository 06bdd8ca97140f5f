// A throw-away Kubernetes cluster: a real API server with its controllers and scheduler, and one node.
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { CONTROL_PLANE_TOOLS, isPortTaken, startControlPlane } from "./cluster/controlPlane";
import { CONTEXT, writeKubeconfig } from "./cluster/kubeconfig";
import { SANDBOX_NODE, startKwokNode } from "./node/kwok";
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

/** Where a cluster keeps what. */
interface Files {
  dir: string;
  kubeconfig: string;
  /** Removed by stop(). Only the owner may enter: credentials and etcd's sockets are in it. */
  stateDir: string;
  logDir: string;
}

type Tools = Awaited<ReturnType<typeof clusterTools>>;

/** How long the node and the first ServiceAccount may take to appear, in milliseconds. */
const USABLE_TIMEOUT_MS = 60_000;
/** Between asking for a free port and binding it another process may take it; so often the start is tried. */
const PORT_ATTEMPTS = 5;

/**
 * Starts a cluster that keeps its files in `dir`. Resolves when the API server and the node are ready and pods can be made in the
 * namespace `default`. Its processes end with this process at the latest.
 *
 * Throws where `dir` holds a cluster already, what {@link ensureTools} throws, and the end of a process's log where that process died.
 */
export async function startCluster(options: { dir: string; progress: Progress }): Promise<Cluster> {
  const files = filesIn(resolve(options.dir));
  const tools = await clusterTools(options.progress);
  const step = options.progress.step("starting the cluster");
  try {
    const cluster = await startOnFreePort(files, tools);
    step.done(cluster.server);
    cluster.death.addEventListener("abort", () => options.progress.say(String(cluster.death.reason)), { once: true });
    return cluster;
  } catch (error) {
    step.fail();
    throw error;
  }
}

function clusterTools(progress: Progress) {
  return ensureTools([...CONTROL_PLANE_TOOLS, "kwok"], progress);
}

function filesIn(dir: string): Files {
  return { dir, kubeconfig: join(dir, "kubeconfig"), stateDir: join(dir, "state"), logDir: join(dir, "log") };
}

async function startOnFreePort(files: Files, tools: Tools): Promise<Cluster> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(files, tools);
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !isPortTaken(error)) throw error;
    }
  }
}

async function start(files: Files, tools: Tools): Promise<Cluster> {
  claim(files);
  const processes = new Processes();
  const stop = async () => {
    await processes.stop();
    rmSync(files.stateDir, { recursive: true, force: true });
    rmSync(files.kubeconfig, { force: true });
  };
  try {
    const { server, credentials } = await startControlPlane({ ...files, tools, processes });
    writeKubeconfig(files.kubeconfig, { server, caFile: credentials.caFile, token: credentials.tokens.admin });
    await startKwokNode({ ...files, kwok: tools.kwok, kubeconfig: files.kubeconfig, processes });
    await untilUsable(files.kubeconfig, processes.death);
    return { dir: files.dir, kubeconfig: files.kubeconfig, context: CONTEXT, server, death: processes.death, stop };
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
