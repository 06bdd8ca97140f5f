import { liveCluster } from "../kubernetes/liveCluster";
import { processIo } from "./io";
import { run } from "./program";

/** Exit status of a program that ends because nobody reads its output any more, as a shell reports it: 128 + SIGPIPE. */
const pipeClosed = 141;

/** Commands that change something, and so go on to their end then. */
const changing = ["cleanup", "recreate"];

/** Runs the command line of this process. */
export async function main(): Promise<void> {
  const args = process.argv.slice(2);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (!args.some((arg) => changing.includes(arg))) process.exit(pipeClosed);
  });
  process.exitCode = await run(args, processIo(), {
    cluster: (config) => Promise.resolve(liveCluster(config)),
    env: process.env,
  });
  // An abandoned request is still open, and would keep the process alive for as long as its server likes.
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((drained) => stream.write("", () => drained()));
  process.exit();
}
