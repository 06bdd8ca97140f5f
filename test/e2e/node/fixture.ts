import { startNodeCluster, type NodeCluster } from "../../../sandbox/cluster";
import { consoleProgress, silentProgress } from "../../../sandbox/progress";
import { openPulumi, type Pulumi } from "../../../sandbox/pulumi";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { ensureTools } from "../../../sandbox/toolchain";
import { shared } from "../shared";

export interface Stage {
  cluster: NodeCluster;
  pulumi: Pulumi;
  kubectl: string;
}

async function setStage(): Promise<Stage> {
  const { kubectl } = await ensureTools(["kubectl"], silentProgress);
  const cluster = await startNodeCluster({ dir: createStateFolder("node-cluster"), progress: consoleProgress() });
  return { cluster, kubectl, pulumi: await openPulumi(silentProgress) };
}

/** Returns what all tests share: a cluster whose pods run, and the tools to use it. */
export const sharedStage = shared(setStage, ({ cluster }) => cluster.stop());
