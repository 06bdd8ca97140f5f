import { pressureFloor } from "../../cleaner/constants";
import { formatDuration } from "../../settings/values/duration";
import { UsageError } from "../errors";

/** Flags of `cleanup` on the command line. */
export interface CleanupFlags {
  /** Seconds. */
  olderThan?: number;
  anonymous?: boolean;
  all?: boolean;
}

/** Sessions to remove, by the seconds since they were last saved. */
export interface CleanupRequest {
  visitorsOlderThan: number;
  /** Undefined if logins stay. */
  loginsOlderThan?: number;
}

/** The longest age that the sweep accepts, a year. No session lives that long. */
const never = 31_536_000;

const choices =
  "--older-than AGE (all sessions older than that), --anonymous (visitors who have not logged in; with --older-than only those older than that), or --all (every session)";

/** Turns a combination of flags into a request. @throws UsageError if the combination makes no sense */
export function cleanupRequest({ olderThan, anonymous, all }: CleanupFlags): CleanupRequest {
  if (all && (anonymous || olderThan !== undefined)) {
    const other = anonymous ? "--anonymous" : "--older-than";
    throw new UsageError(`--all and ${other} contradict each other: choose ${choices}`);
  }
  if (!all && !anonymous && olderThan === undefined) throw new UsageError(`say what is to go: ${choices}`);
  const age = olderThan ?? pressureFloor;
  return { visitorsOlderThan: age, ...(!anonymous && { loginsOlderThan: age }) };
}

/** Completes "… go". */
export function inWords({ visitorsOlderThan, loginsOlderThan }: CleanupRequest): string {
  const who = loginsOlderThan === undefined ? "visitors' sessions" : "sessions, logins too,";
  return `${who} older than ${formatDuration(visitorsOlderThan)}`;
}

/** Returns the settings of the sweep that serves a request. Ages alone decide: a high usage must not remove more than was asked for. */
export function sweepSettings({ visitorsOlderThan, loginsOlderThan }: CleanupRequest, dryRun: boolean): string[] {
  return [
    "SHM_DIR=/dev/shm",
    "AGES_ONLY=1",
    "COUNT_ONLY=0",
    `DRY_RUN=${dryRun ? 2 : 0}`,
    `ANONYMOUS_MAX_AGE_SECONDS=${visitorsOlderThan}`,
    `AUTHENTICATED_MAX_AGE_SECONDS=${loginsOlderThan ?? never}`,
  ];
}
