// One cluster whose pods run, for all test files of a mocha process that import this.
import { join } from "node:path";
import { startNodeCluster, type NodeCluster } from "../../sandbox/cluster";
import { cacheDir } from "../../sandbox/paths";
import { openPlugins, type Plugins } from "../../sandbox/plugins";
import { consoleProgress, silentProgress } from "../../sandbox/progress";
import { createStateFolder } from "../../sandbox/stateFolder";
import { ensureTools } from "../../sandbox/toolchain";

/** Long enough to install packages and build the toolchain first, on two slow cores. */
const START_TIMEOUT_MS = 20 * 60_000;
const STOP_TIMEOUT_MS = 60_000;

export interface Stage {
  cluster: NodeCluster;
  plugins: Plugins;
  tools: Record<"kubectl" | "pulumi", string>;
}

let stage: Promise<Stage> | undefined;

/** What all tests share: each keeps to namespaces of its own. */
export function sharedStage(): Promise<Stage> {
  stage ??= setStage();
  return stage;
}

async function setStage(): Promise<Stage> {
  const tools = await ensureTools(["kubectl", "pulumi"], silentProgress);
  const cluster = await startNodeCluster({ dir: createStateFolder("node-cluster"), progress: consoleProgress() });
  const { pulumi } = tools;
  const { kubeconfig } = cluster;
  const pulumiHome = join(cacheDir(), "pulumi");
  return { cluster, tools, plugins: await openPlugins({ pulumi, pulumiHome, kubeconfig, progress: silentProgress }) };
}

before("start the shared cluster", async function () {
  this.timeout(START_TIMEOUT_MS);
  await sharedStage();
});

after("stop the shared cluster", async function () {
  this.timeout(STOP_TIMEOUT_MS);
  const started = await stage?.catch(() => undefined);
  await started?.plugins.stop();
  await started?.cluster.stop();
});
