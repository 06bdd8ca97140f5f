import { sidecarContainer } from "../../cleaner/names";
import { sweepByStdin } from "../../cleaner/scripts";
import { refusalOf, Unfinished } from "../../kubernetes/exec";
import { isReady, isRunning, notRunning, troubleOf, type OutpostPod } from "../pods/outpostPods";
import { wordsOf } from "../pods/sidecarLog";
import type { Sessions } from "../pods/usageSources";
import type { Target } from "../target";

/** Sessions to remove, by the seconds since they were last saved. */
export interface CleanupRequest {
  visitorsOlderThan: number;
  /** Undefined if logins stay. */
  loginsOlderThan?: number;
}

/** The result of sweeping one pod. */
export interface PodCleanup {
  namespace: string;
  pod: string;
  outpost: string;
  /** Container that the sweep ran in, or should have. */
  container: string;
  /** Files removed, or that a dry run would remove. Undefined if the sweep failed, as are the four below. */
  removed?: Sessions;
  sizeBytes?: number;
  usedBytesBefore?: number;
  usedBytesAfter?: number;
  /** Files that should have been removed and were not. */
  errors?: number;
  /** Reason why the sweep failed, or the first of its errors, with what to do. */
  problem?: string;
}

/** Longest wait for one sweep, in milliseconds. The same as the CronJob's (POD_TIMEOUT_SECONDS). */
const sweepTimeoutMs = 120_000;

/**
 * Runs the sweep in the pod. It uses the sidecar if one is running, since that container is sure to have a shell, and otherwise
 * the outpost's own. Never rejects: a pod that can't be swept is a result too.
 */
export async function sweepPod(
  target: Pick<Target, "cluster" | "kubectl">,
  pod: OutpostPod,
  request: CleanupRequest,
  dryRun: boolean,
  interruption: AbortSignal,
): Promise<PodCleanup> {
  const container = isRunning(pod.pod, sidecarContainer) ? sidecarContainer : pod.container;
  const known = { namespace: pod.namespace, pod: pod.name, outpost: pod.outpost, container };
  if (interruption.aborted) return { ...known, problem: "interrupted before its turn, nothing was removed" };
  const problem = notRunning(pod.pod);
  if (problem) return { ...known, problem };
  try {
    const place = { namespace: pod.namespace, pod: pod.name, container };
    return { ...known, ...(await sweep(target, place, request, dryRun, interruption)) };
  } catch (error) {
    const trouble = troubleOf(pod.pod);
    const notReady = isReady(pod.pod) ? "" : ` (the pod is not ready${trouble ? `: ${trouble}` : ""})`;
    return { ...known, problem: `${(error as Error).message}${notReady}` };
  }
}

/** The numbers in the line that the sweep logs. */
type Report = Omit<PodCleanup, "namespace" | "pod" | "outpost" | "container">;

async function sweep(
  { cluster, kubectl }: Pick<Target, "cluster" | "kubectl">,
  place: { namespace: string; pod: string; container: string },
  request: CleanupRequest,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<Report> {
  const { command, stdin } = sweepByStdin(sweepSettings(request, dryRun));
  const options = { stdin, timeoutMs: sweepTimeoutMs, signal };
  const ended = await cluster.exec(place, command, options).catch((error: Error) => {
    const part = !dryRun && error.cause instanceof Unfinished ? ". A part of what was to go may be gone" : "";
    throw new Error(`${refusalOf(error, place, kubectl)}${part}`, { cause: error });
  });
  const line = ended.stdout.split("\n").find((text) => text.includes(" event=sweep "));
  if (ended.status === 0 && line) return reportOf(wordsOf(line));
  const said = `${ended.stderr}\n${ended.stdout}`.trim().split("\n").at(-1) ?? "";
  const reason = wordsOf(ended.stderr).error ?? (said || `exit status ${ended.status}`);
  throw new Error(`the sweep in container ${place.container} failed: ${reason}`);
}

function reportOf(words: Record<string, string>): Report {
  const number = (key: string): number => Number(words[key]);
  return {
    removed: {
      anonymous: number("expired_anonymous") + number("pressure_anonymous"),
      authenticated: number("expired_authenticated") + number("pressure_authenticated"),
      debris: number("debris") + number("pressure_debris"),
    },
    sizeBytes: number("total_bytes"),
    usedBytesBefore: number("used_before_bytes"),
    usedBytesAfter: number("used_after_bytes"),
    errors: number("errors"),
    ...(words.problem && { problem: words.problem }),
  };
}

/** The longest age that the sweep accepts, a year. No session lives that long. */
const never = 31_536_000;

/** Returns the settings of the sweep that serves a request. Ages alone decide: a high usage must not remove more than was asked for. */
function sweepSettings({ visitorsOlderThan, loginsOlderThan }: CleanupRequest, dryRun: boolean): string[] {
  return [
    "SHM_DIR=/dev/shm",
    "AGES_ONLY=1",
    "COUNT_ONLY=0",
    `DRY_RUN=${dryRun ? 2 : 0}`,
    `ANONYMOUS_MAX_AGE_SECONDS=${visitorsOlderThan}`,
    `AUTHENTICATED_MAX_AGE_SECONDS=${loginsOlderThan ?? never}`,
  ];
}
