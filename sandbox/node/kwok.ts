// A node without a kubelet: kwok plays it, so that pods get scheduled and become Running and Ready, but nothing runs in them.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { V1Node } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { clients } from "../clients";
import { SANDBOX_NODE } from "../cluster/credentials";
import { KWOK_STAGES } from "../toolchain/modules";
import type { Site } from "./machine";

/** Room for everything a sandbox tries, and no more than a common server has. */
const CAPACITY = { cpu: "8", memory: "32Gi", pods: "250", "ephemeral-storage": "100Gi" };

export interface KwokOptions extends Site {
  /** The kwok binary; its stages lie beside it. */
  kwok: string;
  kubeconfig: string;
}

/** Registers `sandbox-node` and starts kwok, which makes it Ready. */
export async function startKwokNode({ kwok, kubeconfig, stateDir, logDir, processes }: KwokOptions): Promise<void> {
  const { core } = await clients(kubeconfig);
  await core.createNode({ body: sandboxNode() });
  const stages = join(stateDir, "kwok-stages.yaml");
  writeFileSync(stages, readStages(join(dirname(kwok), KWOK_STAGES)));
  await processes.start({
    name: "kwok",
    command: kwok,
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--config=${stages}`,
      `--manage-single-node=${SANDBOX_NODE}`,
      // A heartbeat by the node's status starts to wait anew whenever the node is changed. Two cordons within the controller
      // manager's 50 seconds, and the node counts as lost and its pods as not ready, which kwok, unlike a kubelet, never mends.
      "--node-lease-duration-seconds=40",
      "--node-port=0", // the played API of a kubelet, off: it would listen on every address
    ],
    cwd: stateDir,
    env: { KWOK_WORKDIR: join(stateDir, "kwok") }, // instead of ~/.kwok
    logFile: join(logDir, "kwok.log"),
  });
}

function sandboxNode(): V1Node {
  return {
    metadata: {
      name: SANDBOX_NODE,
      labels: { "kubernetes.io/hostname": SANDBOX_NODE, "kubernetes.io/os": "linux", type: "kwok" },
      annotations: { "kwok.x-k8s.io/node": "fake" },
    },
    status: { capacity: CAPACITY, allocatable: CAPACITY },
  };
}

/** Reads kwok's own stages, as one stream of documents. */
function readStages(dir: string): string {
  const files = readdirSync(dir).sort();
  return files.map((file) => readFileSync(join(dir, file), "utf8")).join("\n---\n");
}
