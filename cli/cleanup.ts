import { cleanupTable } from "./cleanup/cleanupTable";
import { cleanupRequest, inWords, type CleanupFlags, type CleanupRequest } from "./cleanup/request";
import { sweepPod, type PodCleanup } from "./cleanup/sweepPod";
import { freedBytes, totalOf } from "./cleanup/total";
import { confirmed } from "./confirm";
import { exitCodes } from "./errors";
import type { Io } from "./io";
import { asJson, type OutputFormat } from "./output";
import { noOutposts } from "./pods/noOutposts";
import { findOutposts, type OutpostPod } from "./pods/outpostPods";
import { withProgress } from "./progress";
import type { Target } from "./target";
import { counted } from "./units";

export interface CleanupOptions extends CleanupFlags {
  /** Pods or outposts. Empty means all. */
  names: string[];
  dryRun?: boolean;
  yes?: boolean;
  output?: OutputFormat;
}

/** Removes sessions from every selected pod now, with the cleaner's own sweep. @returns the exit status */
export async function cleanup(target: Target, options: CleanupOptions, io: Io): Promise<number> {
  const { cluster, namespace } = target;
  const request = cleanupRequest(options);
  const { pods, deployments } = await findOutposts(cluster, namespace, options.names);
  if (pods.length === 0) {
    io.err(`error: ${await noOutposts(target, deployments)}\n`);
    return exitCodes.failed;
  }
  const dryRun = options.dryRun === true;
  if (!dryRun && !(await mayLogOut(target, pods, request, options, io))) {
    io.err("Nothing was removed.\n");
    return exitCodes.failed;
  }
  const results = await withProgress(io, dryRun ? "looking" : "sweeping", pods, (pod) =>
    sweepPod(target, pod, request, dryRun),
  );
  io.out(options.output === "json" ? json(namespace, request, results, dryRun) : cleanupTable(results, dryRun, io));
  return results.every(({ removed, errors }) => removed && !errors) ? exitCodes.ok : exitCodes.failed;
}

/** Tells whether the removal may go on. If it would log people out, it first counts them by a dry run and asks. */
async function mayLogOut(
  target: Target,
  pods: OutpostPod[],
  request: CleanupRequest,
  { all, yes }: CleanupOptions,
  io: Io,
): Promise<boolean> {
  if (request.loginsOlderThan === undefined || yes) return true;
  const looked = await withProgress(io, "counting", pods, (pod) => sweepPod(target, pod, request, true));
  const { removed, failed } = totalOf(looked);
  if (!all && removed.authenticated === 0 && failed === 0) return true;
  const unknown = failed > 0 ? ` (${counted(failed, "pod")} could not be asked: ${firstProblem(looked)})` : "";
  const ending = looked.filter((result) => result.removed && result.removed.authenticated > 0).length;
  const loss =
    `${inWords(request)} go: ${counted(removed.authenticated, "session")} of logged-in people in ` +
    `${counted(ending, "pod")} will end, they log in again; ${counted(removed.anonymous, "session")} of visitors${unknown}`;
  return confirmed(io, loss.charAt(0).toUpperCase() + loss.slice(1), yes);
}

const firstProblem = (results: PodCleanup[]): string => {
  const [first] = results.filter(({ removed }) => !removed);
  return first ? `${first.pod}: ${first.problem}` : "";
};

function json(namespace: string, request: CleanupRequest, results: PodCleanup[], dryRun: boolean): string {
  const pods = results.map((result) => ({
    ...result,
    ...(result.removed && !dryRun && { freedBytes: freedBytes(result) }),
  }));
  return asJson({ namespace, ...request, dryRun, pods, total: totalOf(results) });
}
