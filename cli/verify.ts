import { randomBytes } from "node:crypto";
import { slugify } from "../authentik/slug";
import { sweepDefault } from "../cleaner/scriptNumbers";
import { cronJobName, settingsConfigMap, settingsFile } from "../cleaner/names";
import type { Cluster } from "../kubernetes/cluster";
import { refusedWith } from "../kubernetes/connection";
import { poll, type Observation } from "../kubernetes/poll";
import { unfinishedRollout } from "../kubernetes/rollout";
import { solutionBy, type Expectation, type ExpectedOutpost } from "../settings/verifyExpectation";
import { hasCronJob, type Solution } from "../settings/types";
import { exitCodes, UsageError } from "./errors";
import type { Io } from "./io";
import type { PodsOptions } from "./options";
import { asJson } from "./output";
import { askingPods } from "./progress";
import { carriesSidecar, outpostContainerIn } from "./pods/containers";
import { findOutposts, nameOf, outpostOf, outpostsOf, type Outposts } from "./pods/outpostPods";
import { isAdmitted } from "./pods/solution";
import { sweptDeployments } from "./pods/sweptDeployments";
import type { Target } from "./target";
import { allChecks } from "./verify/allChecks";
import { type Check, checksText, type OwnRun } from "./verify/check";

export interface VerifyOptions extends PodsOptions {
  /** Expected, whatever the stack or the Deployments say; so is the solution. */
  shmSize?: string;
  solution?: Exclude<Solution, "none">;
  /** Seconds to repeat the checks for while one fails. 0 checks once. */
  wait: number;
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
    if (options.run && !expected.outposts.some(hasCronJob))
      throw new UsageError("--run starts a run of the CronJob, and none sweeps these outposts");
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
 * @throws the last round's error if that could not be made
 */
async function untilPassed(
  round: () => Promise<Check[]>,
  seconds: number,
  io: Io,
  signal: AbortSignal,
): Promise<Check[]> {
  const now = () => io.now().getTime();
  let stuckSince: number | undefined;
  const look = async (isLast: boolean): Promise<Observation<Check[] | Error>> => {
    try {
      const checks = await round();
      stuckSince = checks.some(({ stuck }) => stuck) ? (stuckSince ?? now()) : undefined;
      const isStuck = stuckSince !== undefined && now() - stuckSince >= stuckWait * 1000;
      const failed = checks.filter(({ passed }) => !passed).map(({ subject, check }) => `${subject} ${check}`);
      const isEnd = failed.length === 0 || checks.some(({ final }) => final) || isStuck;
      return { value: checks, ...(!isEnd && { awaits: failed.join(", ") }) };
    } catch (error) {
      if (isLast || signal.aborted || error instanceof UsageError || refusedWith(error) === 403) throw error;
      return { value: error as Error, awaits: (error as Error).message };
    }
  };
  const say = (awaits: string) => io.err(`waiting for: ${awaits}\n`);
  const last = await poll(look, { timeoutMs: seconds * 1000, pauseMs, say, now, pause: io.pause, signal });
  if (last instanceof Error) throw last;
  return last;
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

/** Makes the expectation without a stack, from the Deployments and the CronJob themselves. Flags override it. */
async function expectationInForce(
  cluster: Cluster,
  namespace: string,
  outposts: Outposts,
  { shmSize, solution }: VerifyOptions,
): Promise<Expectation> {
  const swept = sweptDeployments(await cluster.cronJob(namespace, cronJobName));
  const expected = outposts.deployments.map(async (deployment): Promise<ExpectedOutpost> => {
    const name = nameOf(deployment);
    const settings = await cluster.configMap(namespace, settingsConfigMap(name));
    const interval = /^SWEEP_INTERVAL_SECONDS=(\d+)$/m.exec(settings?.data?.[settingsFile] ?? "")?.[1];
    const admission = isAdmitted(deployment, outposts);
    const sidecar = admission || carriesSidecar(deployment);
    return {
      name: outpostOf(deployment),
      deployment: name,
      container: outpostContainerIn(deployment),
      solution: solution ?? solutionBy({ sidecar, cronJob: swept.includes(name) }),
      ...(shmSize !== undefined && { shmSize }),
      sweepIntervalSeconds: interval === undefined ? sweepDefault("SWEEP_INTERVAL_SECONDS") : Number(interval),
      ...(admission && { admission }),
    };
  });
  return { namespace, outposts: await Promise.all(expected) };
}

/**
 * Starts one run, as soon as none of its outposts is being rolled out. A pod that is still starting can't be swept, and would
 * fail it.
 * @returns a function to call in every round of checks. It returns undefined if there is no CronJob to run
 */
function ownRunOf({ cluster, namespace }: Target) {
  let name: string | undefined;
  return async (expected: Expectation, { deployments }: Outposts): Promise<OwnRun | undefined> => {
    if (name) return { name };
    const swept = expected.outposts.filter(hasCronJob).map(({ deployment }) => deployment);
    if (swept.length === 0) return undefined;
    for (const deployment of deployments) {
      const unfinished = swept.includes(nameOf(deployment)) && unfinishedRollout(deployment);
      if (unfinished) return { waitsFor: `Deployment ${nameOf(deployment)}: ${unfinished}` };
    }
    const cronJob = await cluster.cronJob(namespace, cronJobName);
    if (!cronJob) return undefined;
    const job = `${cronJobName}-verify-${randomBytes(3).toString("hex")}`;
    await cluster.startJob(cronJob, job);
    return { name: (name = job) };
  };
}
