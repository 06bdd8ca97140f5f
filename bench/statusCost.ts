import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { metricsPort } from "../cleaner/scriptNumbers";
import { SANDBOX_NODE } from "../sandbox/cluster/credentials";
import { CLUSTER_TOOLS } from "../sandbox/cluster";
import { clients } from "../sandbox/clients";
import { consoleProgress } from "../sandbox/progress";
import { ensureTools } from "../sandbox/toolchain";
import { waitUntil } from "../sandbox/waitUntil";
import { inTurns, onCluster } from "./onCluster";

const run = promisify(execFile);
const namespace = "many";

/** Seconds that a look at so many pods takes, and the pods that `status` had numbers of. */
export interface StatusCost {
  pods: number;
  ours: number;
  kubectl: number;
  answered: number;
}

/**
 * Measures `outpost-shm status` against `kubectl get pods` of the same pods, in turns. kwok plays the pods. One server of this
 * machine gives the metrics of all of them, so the API server passes a request on for each, as with real ones.
 */
export async function statusCost(pods: number): Promise<StatusCost> {
  const { kubectl } = await ensureTools([...CLUSTER_TOOLS, "kubectl"], consoleProgress());
  const address = ownAddress();
  const metrics = createServer((_request, response) => void response.end(metricsText));
  return onCluster("status", async ({ kubeconfig }) => {
    await once(metrics.listen(metricsPort, address), "listening");
    await createPods(kubeconfig, pods, address);
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    const look = (program: string, ...args: string[]) => run(program, args, { env, maxBuffer: 1 << 26 });
    let answered = 0;
    const taken = await inTurns(3, {
      ours: async () => {
        const { stdout } = await look("node", join(__dirname, "../cli/outpost-shm.mjs"), "status", "-n", namespace);
        answered = stdout.match(/ metrics$/gm)?.length ?? 0;
      },
      kubectl: () => look(kubectl, "get", "pods", "-n", namespace),
    });
    return { pods, ours: Math.min(...taken.ours), kubectl: Math.min(...taken.kubectl), answered };
  }).finally(() => metrics.close());
}

/** Returns an address of this machine that the API server passes requests on to. It refuses those of the loopback. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const found = all.find(({ family, internal }) => family === "IPv4" && !internal);
  if (!found) throw new Error("this machine has no IPv4 address beside the loopback's");
  return found.address;
}

async function createPods(kubeconfig: string, count: number, address: string): Promise<void> {
  const { core, merge } = await clients(kubeconfig);
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  const status = { podIP: address, podIPs: [{ ip: address }] };
  const create = async (name: string): Promise<void> => {
    await core.createNamespacedPod({ namespace, body: outpostPod(name) });
    const isRunning = async () => (await core.readNamespacedPod({ namespace, name })).status?.phase === "Running";
    await waitUntil(isRunning, { what: `pod ${name}`, timeoutMs: 60_000 });
    await core.patchNamespacedPodStatus({ namespace, name, body: { status } }, merge);
  };
  const names = Array.from({ length: count }, (_, n) => `ak-outpost-main-${n}`);
  const worker = async (): Promise<void> => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) await create(name);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

function outpostPod(name: string): V1Pod {
  const labels = { "goauthentik.io/outpost-type": "proxy", "goauthentik.io/outpost-name": "main" };
  const container = (name: string) => ({ name, image: "example/image" });
  return {
    metadata: { name, labels },
    spec: { nodeName: SANDBOX_NODE, containers: [container("proxy"), container("shm-cleanup")] },
  };
}

/** The metrics of a sidecar that `status` reads. */
const metricsText = [
  "size_bytes 268435456",
  "used_bytes 8192",
  "inodes_used 3",
  'session_files{state="anonymous"} 1',
  'session_files{state="authenticated"} 1',
  'session_files{state="debris"} 0',
  "oldest_session_age_seconds 60",
  `last_sweep_timestamp_seconds ${Math.floor(Date.now() / 1000)}`,
  "sweep_errors_total 0",
]
  .map((line) => `authentik_outpost_shm_${line}\n`)
  .join("");
