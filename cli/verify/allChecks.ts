import type { Expectation, ExpectedOutpost } from "../../settings/expectation";
import { hasCronJob, hasSidecar } from "../../settings/settings";
import { currentPods } from "../pods/currentPods";
import { lookInside } from "../pods/inside";
import { nameOf, type OutpostPod, type Outposts } from "../pods/outpostPods";
import { podFacts } from "../pods/podFacts";
import { mapParallel } from "../progress";
import { checksOf, type Check, type Round } from "./check";
import { cronJobChecks } from "./cronJobChecks";
import { namesCheck, volumeCheck } from "./deploymentChecks";
import { containersCheck, sizeCheck, sweepCheck } from "./podChecks";
import { sessionsCheck, type LookedInto } from "./sessionsCheck";

/** Checks everything in a namespace against the expectation. */
export async function allChecks(round: Round, expected: Expectation, found: Outposts): Promise<Check[]> {
  const outposts = expected.outposts.filter(hasSidecar);
  const ofOutposts: Check[][] = [];
  const checks = expected.rolloutOnly ? rolloutChecks : outpostChecks;
  for (const outpost of outposts) ofOutposts.push(await checks(round, outpost, found));
  if (expected.rolloutOnly) return ofOutposts.flat();
  const swept = expected.outposts.filter((outpost) => hasCronJob(outpost) && !hasSidecar(outpost));
  const ofSwept: Check[] = [];
  for (const outpost of swept) ofSwept.push(await sweptCheck(round, outpost, found));
  const ofCronJob = expected.outposts.some(hasCronJob) ? await cronJobChecks(round, expected) : [];
  const unswept = expected.outposts
    .filter(({ solution }) => solution === "none")
    .map((outpost) => noSolution(round, outpost));
  return [...ofOutposts.flat(), ...ofSwept, ...ofCronJob, ...unswept];
}

const deploymentOf = (expected: ExpectedOutpost, { deployments }: Outposts) =>
  deployments.find((each) => nameOf(each) === expected.deployment);
const podsOf = (expected: ExpectedOutpost, { pods }: Outposts) =>
  pods.filter((pod) => pod.deployment === expected.deployment);

/** Checks only that the rollout is over. This requires no more rights than to read Deployments and pods. */
function rolloutChecks(round: Round, expected: ExpectedOutpost, found: Outposts): Promise<Check[]> {
  const deployment = deploymentOf(expected, found);
  const check = deployment
    ? containersCheck(round, expected, deployment, podsOf(expected, found))
    : missing(expected, found, "containers");
  return Promise.resolve([check]);
}

async function outpostChecks(round: Round, expected: ExpectedOutpost, found: Outposts): Promise<Check[]> {
  const deployment = deploymentOf(expected, found);
  if (!deployment) return [missing(expected, found)];
  const own = podsOf(expected, found);
  const carriers = { kubectl: round.kubectl, pods: own };
  const ofDeployment = [
    volumeCheck(expected, deployment, carriers),
    containersCheck(round, expected, deployment, own),
    namesCheck(expected, deployment, carriers),
  ];
  const current = currentPods(deployment, own);
  // Only old pods are there, which say nothing of the cure.
  if (own.length > 0 && current.length === 0) return ofDeployment;
  const facts = await podFacts(round.cluster, current, round.now);
  const pods = (await lookedInto(round, current)).map((pod, index) => ({ ...pod, facts: facts[index] }));
  return [
    ...ofDeployment,
    sizeCheck(round, expected, deployment, pods),
    sessionsCheck(expected, deployment, pods),
    await sweepCheck(round, expected, pods),
  ];
}

/** Looks into the pods that run. */
const lookedInto = ({ cluster }: Round, pods: OutpostPod[]): Promise<LookedInto[]> =>
  mapParallel(pods, async (pod) => ({
    pod,
    inside: pod.pod.status?.phase === "Running" ? await lookInside(cluster, pod) : {},
  }));

/** Checks an outpost that the CronJob alone sweeps, as far as the outpost goes. */
async function sweptCheck(round: Round, expected: ExpectedOutpost, found: Outposts): Promise<Check> {
  const deployment = deploymentOf(expected, found);
  if (!deployment) return missing(expected, found);
  return sessionsCheck(expected, deployment, await lookedInto(round, podsOf(expected, found)));
}

function missing({ name, deployment }: ExpectedOutpost, found: Outposts, check = "volume"): Check {
  const others = found.deployments.map(nameOf).join(", ") || "none";
  return checksOf(name).fail(
    check,
    `there is no Deployment ${deployment}; proxy outposts found: ${others}`,
    "Correct the outpost's name or the namespace, or see why authentik has not deployed it (System Tasks in its Admin UI).",
  );
}

/**
 * Reports an outpost that nothing sweeps. Only an expectation in force has one: the stack's outposts without a solution are not
 * checked.
 */
function noSolution({ outpostShm }: Round, { name, deployment }: ExpectedOutpost): Check {
  return checksOf(name).fail(
    "solution",
    "neither a sidecar nor the CronJob sweeps it",
    `Add it to the stack's outposts and run \`pulumi up\`; until then: ${outpostShm(`status ${deployment}`)}`,
  );
}
