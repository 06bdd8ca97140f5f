import { pressureFloor } from "../../cleaner/constants";
import { UsageError } from "../errors";
import { formatDuration } from "../../settings/values/duration";

/** What `cleanup` is told at the command line. */
export interface CleanupFlags {
  /** Seconds. */
  olderThan?: number;
  anonymous?: boolean;
  all?: boolean;
}

/** What goes, by the time since a session was last saved, in seconds. */
export interface CleanupRequest {
  visitorsOlderThan: number;
  /** Undefined: no login goes. */
  loginsOlderThan?: number;
}

/** The longest age the sweep takes, a year: no session lives so long. */
const never = 31_536_000;

const choices =
  "--older-than AGE (all sessions older than that), --anonymous (visitors who have not logged in; with --older-than only those older than that), or --all (every session)";

/** The one meaning of a combination of flags. @throws UsageError for one that has none */
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
  const who = loginsOlderThan === undefined ? "sessions of visitors who have not logged in" : "sessions, logins too,";
  return `${who} older than ${formatDuration(visitorsOlderThan)}`;
}

/**
 * Settings of the sweeps that do it, one after the other. Visitors have a sweep of their own also where logins go, for the sweep
 * reads no file past authenticatedMaxAge: only so it is known how many of those who go are logged in. The ages alone decide: at a
 * high watermark the sweep would else remove what nobody asked for.
 */
export function sweepsOf({ visitorsOlderThan, loginsOlderThan }: CleanupRequest, dryRun: boolean): string[][] {
  const common = ["SHM_DIR=/dev/shm", "AGES_ONLY=1", "COUNT_ONLY=0", `DRY_RUN=${dryRun ? 1 : 0}`];
  const ages = (visitors: number, logins: number) => [
    `ANONYMOUS_MAX_AGE_SECONDS=${visitors}`,
    `AUTHENTICATED_MAX_AGE_SECONDS=${logins}`,
  ];
  const visitors = [...common, ...ages(visitorsOlderThan, never)];
  return loginsOlderThan === undefined
    ? [visitors]
    : [visitors, [...common, ...ages(loginsOlderThan, loginsOlderThan)]];
}
