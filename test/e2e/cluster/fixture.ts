import { startCluster } from "../../../sandbox/cluster";
import { consoleProgress } from "../../../sandbox/progress";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { shared } from "../shared";

/** Returns the cluster that all tests share. No pod runs there, kwok only plays that they do. */
export const sharedCluster = shared(
  () => startCluster({ dir: createStateFolder("test-cluster"), progress: consoleProgress() }),
  (cluster) => cluster.stop(),
);
