import { startCluster, type Cluster } from "../sandbox/cluster";
import { beforeEnd } from "../sandbox/endings";
import { consoleProgress } from "../sandbox/progress";
import { createStateFolder } from "../sandbox/stateFolder";

/** Lends a cluster of its own to a measurement. */
export async function onCluster<T>(name: string, measure: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = await startCluster({ dir: createStateFolder(`bench-${name}`), progress: consoleProgress() });
  const release = beforeEnd({ stop: () => cluster.stop() });
  try {
    return await measure(cluster);
  } finally {
    await cluster.stop();
    release();
  }
}
