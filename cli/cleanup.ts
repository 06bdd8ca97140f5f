import { closeForwardAuth } from "../authentik/releases";
import { pressureFloor } from "../cleaner/scriptNumbers";
import { formatDuration } from "../settings/values/duration";
import { openAmong } from "./advice";
import { sweepPod, type CleanupRequest, type PodCleanup } from "./cleanup/sweepPod";
import { exitCodes, UsageError } from "./errors";
import { confirmed, type Io, emphasised } from "./io";
import type { PodsOptions } from "./options";
import { asJson, table } from "./output";
import { findEverywhere, noOutposts } from "./pods/everywhere";
import type { OutpostPod } from "./pods/outpostPods";
import type { Sessions } from "./pods/usageSources";
import { withProgress } from "./progress";
import type { Target } from "./target";
import { counted, formatBytes } from "./units";

export interface CleanupOptions extends Omit<PodsOptions, "timeout"> {
  /** Seconds. */
  olderThan?: number;
  anonymous?: boolean;
  all?: boolean;
  dryRun?: boolean;
  yes?: boolean;
}

/** Sweeps all selected pods, or counts what would go, until Ctrl-C. */
type Sweep = (doing: string, dryRun: boolean) => Promise<PodCleanup[]>;

/**
 * Removes sessions from every selected pod now, with the cleaner's own sweep. Ctrl-C ends it, in the pods too, and the result says
 * of each pod how far it got.
 * @returns the exit status
 */
export async function cleanup(target: Target, options: CleanupOptions, io: Io): Promise<number> {
  const request = cleanupRequest(options);
  const found = await findEverywhere(target, options.names);
  const pods = found.flatMap(({ pods }) => pods);
  const deployments = found.flatMap(({ deployments }) => deployments);
  if (pods.length === 0) throw new Error(await noOutposts(target, deployments));
  const dryRun = options.dryRun === true;
  const interruption = io.interruption();
  const sweep: Sweep = (doing, dryRun) =>
    withProgress(io, doing, pods, (pod) =>
      sweepPod(target.inNamespace?.(pod.namespace) ?? target, pod, request, dryRun, interruption),
    );
  const question = dryRun || options.yes ? undefined : await questionOf(target, pods, request, sweep);
  if (interruption.aborted || (question && !(await confirmed(io, question)))) {
    io.err("Nothing was removed.\n");
    return exitCodes.failed;
  }
  const opening = openingOf(pods);
  if (opening && question === undefined) io.err(`${opening}.\n`);
  const results = await sweep(dryRun ? "looking" : "sweeping", dryRun);
  const everywhere = target.inNamespace !== undefined;
  const isJson = options.output === "json";
  io.out(isJson ? json(target, request, results, dryRun) : cleanupTable(results, { dryRun, everywhere }, io));
  if (interruption.aborted) io.err("Interrupted. The same command goes on with what is left.\n");
  return results.every(({ removed, errors }) => removed && !errors) ? exitCodes.ok : exitCodes.failed;
}

/** Warns that the removal lets visitors in without a login, on the releases that do so. */
function openingOf(pods: OutpostPod[]): string | undefined {
  const open = openAmong(pods);
  return open && `${open}. Removing sessions opens it too. ${closeForwardAuth.replace(/\.$/, "")}`;
}

/** Counts what would go, and says so, where, and whom it hurts. Undefined if nothing would go. */
async function questionOf(
  target: Target,
  pods: OutpostPod[],
  request: CleanupRequest,
  sweep: Sweep,
): Promise<string | undefined> {
  const looked = await sweep("counting", true);
  const { removed, failed } = totalOf(looked);
  if (removed.anonymous + removed.authenticated + failed === 0) return undefined;
  const unasked = looked.find(({ removed }) => !removed);
  const unknown = unasked ? ` (${counted(failed, "pod")} could not be asked: ${unasked.pod}: ${unasked.problem})` : "";
  const podsWith = (kind: "anonymous" | "authenticated") =>
    counted(looked.filter((result) => (result.removed?.[kind] ?? 0) > 0).length, "pod");
  const whose =
    request.loginsOlderThan === undefined
      ? `${removed.anonymous} in ${podsWith("anonymous")}, nobody is logged out`
      : `${counted(removed.authenticated, "session")} of logged-in people in ${podsWith("authenticated")} will end, they log in again; ` +
        `${counted(removed.anonymous, "session")} of visitors`;
  const loss = `${inWords(request)} go: ${whose}${unknown}`;
  const said = [openingOf(pods), loss.charAt(0).toUpperCase() + loss.slice(1), target.unpinned];
  const where = await target.where(pods);
  return `In ${where}: ${said.filter((each) => each !== undefined).join(". ")}`;
}

function json(
  { namespace, inNamespace }: Target,
  request: CleanupRequest,
  results: PodCleanup[],
  dryRun: boolean,
): string {
  const pods = results.map((result) => ({
    ...result,
    ...(result.removed && !dryRun && { freedBytes: freedBytes(result) }),
  }));
  return asJson({ ...(!inNamespace && { namespace }), ...request, dryRun, pods, total: totalOf(results) });
}

type Total = ReturnType<typeof totalOf>;

/** Sums up all pods, and counts those whose sweep worked and those whose sweep failed. */
function totalOf(results: PodCleanup[]) {
  const swept = results.filter(({ removed }) => removed !== undefined);
  const over = (number: (result: PodCleanup) => number | undefined): number =>
    swept.reduce((sum, result) => sum + (number(result) ?? 0), 0);
  const removed: Sessions = {
    anonymous: over(({ removed }) => removed?.anonymous),
    authenticated: over(({ removed }) => removed?.authenticated),
    debris: over(({ removed }) => removed?.debris),
  };
  return {
    removed,
    files: removed.anonymous + removed.authenticated + removed.debris,
    freedBytes: over(freedBytes),
    errors: over(({ errors }) => errors),
    swept: swept.length,
    failed: results.length - swept.length,
  };
}

/** Never negative, though sessions that arrive meanwhile may take up more than was freed. */
const freedBytes = ({ usedBytesBefore = 0, usedBytesAfter = 0 }: PodCleanup): number =>
  Math.max(0, usedBytesBefore - usedBytesAfter);

const head = ["NAMESPACE", "POD", "CONTAINER", "BEFORE", "AFTER", "FREED", "VISITORS", "LOGINS", "DEBRIS", "ERRORS"];

type Shown = Record<"dryRun" | "everywhere", boolean>;

/** Formats one line per pod and their total, followed by the problems and a summary. */
function cleanupTable(results: PodCleanup[], { dryRun, everywhere }: Shown, io: Pick<Io, "colour">): string {
  const total = totalOf(results);
  // A dry run frees nothing.
  const unsaid = [...(everywhere ? [] : ["NAMESPACE"]), ...(dryRun ? ["AFTER", "FREED"] : [])];
  const said = (cells: string[]): string[] => cells.filter((_cell, index) => !unsaid.includes(head[index]));
  const rows = [...results.map(row), totalRow(total, everywhere ? ["TOTAL", ""] : ["", "TOTAL"])];
  const drawn = table(said(head), rows.map(said));
  const problems = results.flatMap(({ pod, problem }) =>
    problem ? [`${pod}: ${emphasised(io, "critical", problem)}\n`] : [],
  );
  return [drawn, ...(problems.length > 0 ? [problems.join("")] : []), sum(total, dryRun)].join("\n");
}

function row(result: PodCleanup): string[] {
  const { namespace, pod, container, removed, errors } = result;
  if (!removed) return [namespace, pod, container, ...head.slice(3).map(() => "-")];
  const { sizeBytes, usedBytesBefore, usedBytesAfter } = result;
  const used = [usedBytesBefore, usedBytesAfter].map((bytes) => usage(bytes, sizeBytes));
  return [namespace, pod, container, ...used, formatBytes(freedBytes(result)), ...counts(removed, errors)];
}

function usage(bytes: number | undefined, size: number | undefined): string {
  if (bytes === undefined) return "-";
  return size ? `${formatBytes(bytes)} ${Math.floor((bytes * 100) / size)}%` : formatBytes(bytes);
}

function totalRow({ removed, freedBytes, errors }: Total, title: string[]): string[] {
  return [...title, "", "", "", formatBytes(freedBytes), ...counts(removed, errors)];
}

const counts = ({ anonymous, authenticated, debris }: Sessions, errors = 0): string[] =>
  [anonymous, authenticated, debris, errors].map(String);

function sum({ files, freedBytes, swept, failed }: Total, dryRun: boolean): string {
  const failures = failed > 0 ? ` ${counted(failed, "pod")} could not be swept.` : "";
  if (dryRun)
    return `${counted(files, "file")} of ${counted(swept, "pod")} would go. Nothing was removed.${failures}\n`;
  return `${counted(files, "file")} of ${counted(swept, "pod")} removed, ${formatBytes(freedBytes)} freed.${failures}\n`;
}

const choices =
  "--older-than AGE (all sessions older than that), --anonymous (visitors who have not logged in; with --older-than only those older than that), or --all (every session)";

/** Turns a combination of flags into a request. @throws UsageError if the combination makes no sense */
function cleanupRequest({ olderThan, anonymous, all }: CleanupOptions): CleanupRequest {
  if (all && (anonymous || olderThan !== undefined)) {
    const other = anonymous ? "--anonymous" : "--older-than";
    throw new UsageError(`--all and ${other} contradict each other: choose ${choices}`);
  }
  if (!all && !anonymous && olderThan === undefined) throw new UsageError(`say what is to go: ${choices}`);
  const age = olderThan ?? pressureFloor;
  return { visitorsOlderThan: age, ...(!anonymous && { loginsOlderThan: age }) };
}

/** Completes "… go". */
function inWords({ visitorsOlderThan, loginsOlderThan }: CleanupRequest): string {
  const who = loginsOlderThan === undefined ? "visitors' sessions" : "sessions, logins too,";
  return `${who} older than ${formatDuration(visitorsOlderThan)}`;
}
