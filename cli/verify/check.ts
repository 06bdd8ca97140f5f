import type { Target } from "../target";
import { counted } from "../units";
import type { OwnRun } from "./ownRun";

/** What was checked, and what came of it. */
export interface Check {
  /** The outpost's name, or "CronJob". */
  subject: string;
  check: string;
  passed: boolean;
  /** What was seen, in one line. */
  seen: string;
  /** What to do about it; only of a check that failed. */
  todo?: string;
  /** Whether it will not pass later either, so that waiting is of no use; only of a check that failed. */
  final?: true;
  /** Whether it stays so until somebody mends it, which shows only if it lasts; only of a check that failed. */
  stuck?: true;
}

/** One round of checks: where it looks, how its advice calls kubectl and this program, and when. */
export interface Round extends Pick<Target, "cluster" | "kubectl" | "outpostShm"> {
  now: Date;
  /** The run of the CronJob that is judged; default: its newest. */
  ownRun?: OwnRun;
}

/** Makes checks of one subject. */
export function checksOf(subject: string) {
  return {
    pass: (check: string, seen: string): Check => ({ subject, check, passed: true, seen }),
    fail: (check: string, seen: string, todo: string): Check => ({ subject, check, passed: false, seen, todo }),
  };
}

/** A verdict on one pod: what is wrong with it, or what was seen. */
export type Seen = { wrong: string; todo: string } | { right: string };

/**
 * One check over all pods: it fails with the first wrong pod.
 * @param right what was seen where none is wrong; default: what each pod shows
 */
export function overPods(
  subject: string,
  check: string,
  verdicts: { pod: string; seen: Seen }[],
  right?: string,
): Check {
  const { pass, fail } = checksOf(subject);
  const wrong = verdicts.flatMap(({ pod, seen }) => ("wrong" in seen ? [{ pod, ...seen }] : []));
  const [first] = wrong;
  if (first) {
    const more = wrong.length > 1 ? ` (and ${wrong.length - 1} more of ${counted(verdicts.length, "pod")})` : "";
    return fail(check, `pod ${first.pod}: ${first.wrong}${more}`, first.todo);
  }
  if (verdicts.length === 0) return pass(check, "there are no pods");
  const seen = right ?? [...new Set(verdicts.flatMap(({ seen }) => ("right" in seen ? [seen.right] : [])))].join("; ");
  return pass(check, `${counted(verdicts.length, "pod")}: ${seen}`);
}
