import { liveCluster } from "./cluster/liveCluster";
import { processIo } from "./io";
import { run } from "./program";

/** The command line of this process. */
export async function main(): Promise<void> {
  process.exitCode = await run(process.argv.slice(2), processIo(), {
    cluster: (config) => Promise.resolve(liveCluster(config)),
    env: process.env,
  });
}
