import { emphasised, type Io } from "../io";
import { table } from "../output";
import type { Target } from "../target";
import { counted } from "../units";

/** A check and its result. */
export interface Check {
  /** The outpost's name, or "CronJob". */
  subject: string;
  check: string;
  passed: boolean;
  /** The evidence, in one line. */
  seen: string;
  /** The remedy; only of a check that failed. */
  todo?: string;
  /** True if it will never pass, so that waiting is of no use; only of a check that failed. */
  final?: true;
  /** True if it stays so until somebody mends it, which shows only if it lasts; only of a check that failed. */
  stuck?: true;
}

/** The run of the CronJob that `--run` asks for. */
export interface OwnRun {
  /** Name of its Job, once it is started. */
  name?: string;
  /** Reason why it is not started yet. */
  waitsFor?: string;
}

/** One round of checks: the cluster, the commands for its advice, and the time. */
export interface Round extends Pick<Target, "cluster" | "kubectl" | "outpostShm"> {
  now: Date;
  /** The run of the CronJob to judge. Default: its newest. */
  ownRun?: OwnRun;
}

/** A verdict: the problem, or the evidence that there is none. */
export type Seen = ({ wrong: string; todo: string } & Pick<Check, "final" | "stuck">) | { right: string };

export function checkOf(subject: string, check: string, verdict: Seen): Check {
  if ("right" in verdict) return { subject, check, passed: true, seen: verdict.right };
  const { wrong, ...rest } = verdict;
  return { subject, check, passed: false, seen: wrong, ...rest };
}

/**
 * Makes one check of all pods, which fails with the first wrong pod.
 * @param right the evidence if no pod is wrong. Default: that of each pod
 */
export function overPods<Pod extends { name: string }>(
  subject: string,
  check: string,
  pods: Pod[],
  judge: (pod: Pod, index: number) => Seen,
  right?: string,
): Check {
  const verdicts = pods.map(judge);
  const wrong = verdicts.flatMap((seen, index) => ("wrong" in seen ? [{ pod: pods[index].name, ...seen }] : []));
  const [first] = wrong;
  if (first) {
    const more = wrong.length > 1 ? ` (and ${wrong.length - 1} more of ${counted(pods.length, "pod")})` : "";
    return checkOf(subject, check, { wrong: `pod ${first.pod}: ${first.wrong}${more}`, todo: first.todo });
  }
  if (pods.length === 0) return checkOf(subject, check, { right: "there are no pods" });
  const seen = right ?? [...new Set(verdicts.flatMap((each) => ("right" in each ? [each.right] : [])))].join("; ");
  return checkOf(subject, check, { right: `${counted(pods.length, "pod")}: ${seen}` });
}

/** Formats one line per check, followed by the remedies for those that failed, each once, and a summary. */
export function checksText(checks: Check[], io: Pick<Io, "colour">): string {
  const rows = checks.map(({ subject, check, passed, seen }) => [
    subject,
    check,
    passed ? "pass" : emphasised(io, "critical", "FAIL"),
    seen,
  ]);
  const failed = checks.filter(({ passed }) => !passed);
  const todos = [...new Set(failed.map(({ todo }) => todo))].map((todo) => {
    const alike = failed.filter((each) => each.todo === todo).map(({ subject, check }) => `${subject} ${check}`);
    return `${alike.join(", ")}: ${todo}\n`;
  });
  const sum =
    failed.length === 0
      ? `All ${checks.length} checks passed.\n`
      : `${failed.length} of ${checks.length} checks failed.\n`;
  return [table(["OUTPOST", "CHECK", "RESULT", "SEEN"], rows), ...(todos.length > 0 ? [todos.join("")] : []), sum].join(
    "\n",
  );
}
