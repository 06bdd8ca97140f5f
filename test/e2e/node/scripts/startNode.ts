// Run by hygiene.test.ts: starts a cluster with a node of its own, reports that with a line of JSON, and stops it when its stdin
// ends. At SIGUSR2 it dies of an error.
import { once } from "node:events";
import { startNodeCluster } from "../../../../sandbox/cluster";
import { silentProgress } from "../../../../sandbox/progress";
import { createStateFolder } from "../../../../sandbox/stateFolder";

async function main(): Promise<void> {
  const cluster = await startNodeCluster({ dir: createStateFolder("own-node"), progress: silentProgress });
  const { dir, kubeconfig, node } = cluster;
  console.log(JSON.stringify({ dir, kubeconfig, address: node.machine.address }));
  await once(process.stdin.resume(), "end");
  await cluster.stop();
  await cluster.stop(); // a second call does nothing
}

process.on("SIGUSR2", () => {
  throw new Error("nobody caught me");
});
void main();
