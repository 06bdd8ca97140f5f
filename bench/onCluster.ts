import { startCluster, type Cluster } from "../sandbox/cluster";
import { beforeEnd } from "../sandbox/undoAtExit";
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

/** Does each piece of work in turns. Returns the seconds that each took, turn by turn. */
export async function inTurns<K extends string>(
  turns: number,
  works: Record<K, () => Promise<unknown>>,
): Promise<Record<K, number[]>> {
  const names = Object.keys(works) as K[];
  const taken = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let turn = 0; turn < turns; turn++) {
    for (const name of names) {
      const started = performance.now();
      await works[name]();
      taken[name].push((performance.now() - started) / 1000);
    }
  }
  return taken;
}
