// One cluster for all test files of a mocha process that import this: its hooks join mocha's root suite, so the cluster starts
// before the first test and stops after the last, whatever their files.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startCluster, type Cluster } from "../../sandbox/cluster";
import { stateRoot } from "../../sandbox/paths";
import { consoleProgress } from "../../sandbox/progress";

/** Long enough to build the toolchain first, on two slow cores. */
const START_TIMEOUT_MS = 20 * 60_000;
const STOP_TIMEOUT_MS = 60_000;

let shared: Promise<Cluster> | undefined;
const temporaryDirs: string[] = [];

/** A new empty folder under .sandbox/ of this clone, removed when all tests are done. */
export function temporaryDir(name: string): string {
  mkdirSync(stateRoot(), { recursive: true });
  const dir = mkdtempSync(join(stateRoot(), `${name}-`));
  temporaryDirs.push(dir);
  return dir;
}

/** The cluster that all tests share: each keeps to namespaces of its own. */
export function sharedCluster(): Promise<Cluster> {
  shared ??= startCluster({ dir: temporaryDir("test-cluster"), progress: consoleProgress() });
  return shared;
}

before("start the shared cluster", async function () {
  this.timeout(START_TIMEOUT_MS);
  await sharedCluster();
});

after("stop the shared cluster", async function () {
  this.timeout(STOP_TIMEOUT_MS);
  await (await shared)?.stop();
  for (const dir of temporaryDirs) rmSync(dir, { recursive: true, force: true });
});
