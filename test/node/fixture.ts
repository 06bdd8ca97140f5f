// One cluster whose pods run, for all test files of a mocha process that import this.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startNodeCluster, type NodeCluster } from "../../sandbox/cluster";
import { cacheDir, stateRoot } from "../../sandbox/paths";
import { openPlugins, type Plugins } from "../../sandbox/plugins";
import { consoleProgress, silentProgress } from "../../sandbox/progress";
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
const temporaryDirs: string[] = [];

/** A new empty folder under .sandbox/ of this clone, removed when all tests are done. */
export function temporaryDir(name: string): string {
  mkdirSync(stateRoot(), { recursive: true });
  const dir = mkdtempSync(join(stateRoot(), `${name}-`));
  temporaryDirs.push(dir);
  return dir;
}

/** What all tests share: each keeps to namespaces of its own. */
export function sharedStage(): Promise<Stage> {
  stage ??= setStage();
  return stage;
}

async function setStage(): Promise<Stage> {
  const tools = await ensureTools(["kubectl", "pulumi"], silentProgress);
  const cluster = await startNodeCluster({ dir: temporaryDir("node-cluster"), progress: consoleProgress() });
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
  for (const dir of temporaryDirs) rmSync(dir, { recursive: true, force: true });
});
