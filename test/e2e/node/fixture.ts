// One cluster whose pods run, for all test files of a mocha process that import this.
import { startNodeCluster, type NodeCluster } from "../../../sandbox/cluster";
import { consoleProgress, silentProgress } from "../../../sandbox/progress";
import { openPulumi, type Pulumi } from "../../../sandbox/pulumi";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { ensureTools } from "../../../sandbox/toolchain";

/** Long enough to install packages and build the toolchain first, on two slow cores. */
const START_TIMEOUT_MS = 20 * 60_000;
const STOP_TIMEOUT_MS = 60_000;

export interface Stage {
  cluster: NodeCluster;
  pulumi: Pulumi;
  kubectl: string;
}

let stage: Promise<Stage> | undefined;

/** Returns what all tests share. Each keeps to namespaces of its own. */
export function sharedStage(): Promise<Stage> {
  stage ??= setStage();
  return stage;
}

async function setStage(): Promise<Stage> {
  const { kubectl } = await ensureTools(["kubectl"], silentProgress);
  const cluster = await startNodeCluster({ dir: createStateFolder("node-cluster"), progress: consoleProgress() });
  return { cluster, kubectl, pulumi: await openPulumi(silentProgress) };
}

before("start the shared cluster", async function () {
  this.timeout(START_TIMEOUT_MS);
  await sharedStage();
});

after("stop the shared cluster", async function () {
  this.timeout(STOP_TIMEOUT_MS);
  const started = await stage?.catch(() => undefined);
  await started?.cluster.stop();
});
