import { slugify } from "../authentik/slug";
import type { Cluster } from "../kubernetes/cluster";
import { refusedWith } from "../kubernetes/connection";
import { poll, type Observation } from "../kubernetes/poll";
import type { Expectation } from "../settings/expectation";
import { exitCodes, UsageError } from "./errors";
import type { Io } from "./io";
import { asJson, type OutputFormat } from "./output";
import { askingPods } from "./pods/askingPods";
import { findOutposts, outpostsOf, type Outposts } from "./pods/outpostPods";
import type { Target } from "./target";
import { allChecks } from "./verify/allChecks";
import { type Check, checksText } from "./verify/check";
import { expectationInForce, type Stated } from "./verify/inForce";
import { ownRunOf } from "./verify/ownRun";

export interface VerifyOptions extends Stated {
  /** Pods or outposts. Empty means all of the namespace, or of the stack. */
  names: string[];
  output?: OutputFormat;
  /** Seconds to repeat the checks for while one fails. 0 checks once. */
  wait: number;
  /** Seconds to ask the pods in each round. */
  timeout: number;
  /** True to start a run of the CronJob and judge that one. */
  run?: boolean;
}

/** Default wait for a run of the CronJob that was started here, in seconds. */
const runWait = 300;
/** Time after which something stuck is no longer waited for, in seconds: two more pulls of an image by the kubelet. */
const stuckWait = 30;
/** Pause between two rounds of checks, in milliseconds. */
const pauseMs = 2_000;

/** Checks that the cure took. @returns the exit status, 0 if every check passed */
export async function verify(target: Target, options: VerifyOptions, io: Io): Promise<number> {
  const { cluster, namespace } = target;
  const wanted = target.expectation && chosen(target.expectation, options);
  if (wanted && wanted.outposts.length === 0) {
    const nothing = "Nothing to verify: no outpost of the stack has a solution.\n";
    io.out(options.output === "json" ? asJson({ namespace, passed: true, checks: [] }) : nothing);
    return exitCodes.ok;
  }
  const ownRun = options.run ? ownRunOf(target) : () => Promise.resolve(undefined);
  const round = async (cluster: Cluster): Promise<Check[]> => {
    const found = wanted?.rolloutOnly
      ? await outpostsOf(target, wanted)
      : await findOutposts(target, wanted ? [] : options.names);
    if (!wanted && found.deployments.length === 0) throw new Error(noOutposts(namespace, found));
    const expected = wanted ?? (await expectationInForce(cluster, namespace, found, options));
    return allChecks({ ...target, cluster, now: io.now(), ownRun: await ownRun(expected, found) }, expected, found);
  };
  const seconds = options.run && options.wait === 0 ? runWait : options.wait;
  const interruption = seconds > 0 ? io.interruption() : new AbortController().signal;
  const checks = await untilPassed(() => askingPods(cluster, io, options.timeout, round), seconds, io, interruption);
  const passed = checks.every((check) => check.passed);
  io.out(options.output === "json" ? asJson({ namespace, passed, checks }) : checksText(checks, io));
  if (interruption.aborted && !passed)
    io.err("Interrupted. These are the last checks; what the cluster is at goes on.\n");
  return passed ? exitCodes.ok : exitCodes.failed;
}

/**
 * Repeats the checks until all pass, one never will, time is up, or the signal is aborted. Before that, a round that can't be made
 * counts as failed.
 * @returns the last round
 */
async function untilPassed(
  round: () => Promise<Check[]>,
  seconds: number,
  io: Io,
  signal: AbortSignal,
): Promise<Check[]> {
  const now = () => io.now().getTime();
  let stuckSince: number | undefined;
  const look = async (isLast: boolean): Promise<Observation<Check[]>> => {
    try {
      const checks = await round();
      stuckSince = checks.some(({ stuck }) => stuck) ? (stuckSince ?? now()) : undefined;
      const isStuck = stuckSince !== undefined && now() - stuckSince >= stuckWait * 1000;
      const failed = checks.filter(({ passed }) => !passed).map(({ subject, check }) => `${subject} ${check}`);
      const isEnd = failed.length === 0 || checks.some(({ final }) => final) || isStuck;
      return { value: checks, ...(!isEnd && { awaits: failed.join(", ") }) };
    } catch (error) {
      if (isLast || signal.aborted || error instanceof UsageError || refusedWith(error) === 403) throw error;
      return { value: [], awaits: (error as Error).message };
    }
  };
  const say = (awaits: string) => io.err(`waiting for: ${awaits}\n`);
  return poll(look, { timeoutMs: seconds * 1000, pauseMs, say, now, signal });
}

/** Selects the stack's outposts that are named and have a solution. Flags override the stack's expectation of them. */
function chosen({ outposts, ...rest }: Expectation, { names, shmSize, solution }: VerifyOptions): Expectation {
  const unknown = names.filter((name) => !outposts.some((outpost) => isNamed(outpost, name)));
  if (unknown.length > 0) {
    const known = outposts.map(({ name }) => name).join(", ");
    throw new UsageError(`"${unknown[0]}" is no outpost of the stack; it has: ${known}`);
  }
  const named = outposts.filter((outpost) => names.length === 0 || names.some((name) => isNamed(outpost, name)));
  const stated = named.map((outpost) => ({ ...outpost, ...(shmSize && { shmSize }), ...(solution && { solution }) }));
  return { ...rest, outposts: stated.filter(({ solution }) => solution !== "none") };
}

const isNamed = (outpost: Expectation["outposts"][number], name: string): boolean =>
  [outpost.name, slugify(outpost.name), outpost.deployment].includes(name);

function noOutposts(namespace: string, { pods }: Outposts): string {
  const orphans = pods.length > 0 ? ` (and ${pods.length} pods of none)` : "";
  return `there is no Deployment of a proxy outpost in namespace ${namespace}${orphans}`;
}
