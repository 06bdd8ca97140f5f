// One cluster for all test files of a mocha process that import this: its hooks join mocha's root suite, so the cluster starts
// before the first test and stops after the last, whatever their files.
import { startCluster, type Cluster } from "../../../sandbox/cluster";
import { consoleProgress } from "../../../sandbox/progress";
import { createStateFolder } from "../../../sandbox/stateFolder";

/** Long enough to build the toolchain first, on two slow cores. */
const START_TIMEOUT_MS = 20 * 60_000;
const STOP_TIMEOUT_MS = 60_000;

let shared: Promise<Cluster> | undefined;

/** Returns the cluster that all tests share. Each keeps to namespaces of its own. */
export function sharedCluster(): Promise<Cluster> {
  shared ??= startCluster({ dir: createStateFolder("test-cluster"), progress: consoleProgress() });
  return shared;
}

before("start the shared cluster", async function () {
  this.timeout(START_TIMEOUT_MS);
  await sharedCluster();
});

after("stop the shared cluster", async function () {
  this.timeout(STOP_TIMEOUT_MS);
  await (await shared)?.stop();
});
