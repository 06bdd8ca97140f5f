import type { Expectation, ExpectedOutpost } from "../../settings/verifyExpectation";
import { hasCronJob, hasSidecar } from "../../settings/types";
import { eitherWay } from "../advice";
import { lookInside } from "../pods/inside";
import { currentPods, nameOf, podsOf, type OutpostPod, type Outposts } from "../pods/outpostPods";
import { podFacts } from "../pods/podFacts";
import { mapParallel } from "../progress";
import { checkOf, type Check, type Round } from "./check";
import { cronJobChecks } from "./cronJobChecks";
import { carrierCheck } from "./deploymentChecks";
import { containersCheck, sessionsCheck, sizeCheck, sweepCheck, type LookedInto } from "./podChecks";

/** Checks everything in a namespace against the expectation. */
export async function allChecks(round: Round, expected: Expectation, found: Outposts): Promise<Check[]> {
  const outposts = expected.outposts.filter(hasSidecar);
  if (expected.rolloutOnly) return outposts.map((outpost) => rolloutCheck(round, outpost, found));
  const swept = expected.outposts.filter((outpost) => hasCronJob(outpost) && !hasSidecar(outpost));
  const checks = [
    ...(await mapParallel(outposts, (outpost) => outpostChecks(round, outpost, found))).flat(),
    ...(await mapParallel(swept, (outpost) => sweptCheck(round, outpost, found))),
  ];
  if (expected.outposts.some(hasCronJob)) checks.push(...(await cronJobChecks(round, expected)));
  const unswept = expected.outposts.filter(({ solution }) => solution === "none");
  return [...checks, ...unswept.map((outpost) => noSolution(round, outpost))];
}

const deploymentOf = (expected: ExpectedOutpost, { deployments }: Outposts) =>
  deployments.find((each) => nameOf(each) === expected.deployment);

/** Checks only that the rollout is over. This requires no more rights than to read Deployments and pods. */
function rolloutCheck(round: Round, expected: ExpectedOutpost, found: Outposts): Check {
  const deployment = deploymentOf(expected, found);
  if (!deployment) return missing(expected, found, "containers");
  return containersCheck(round, expected, deployment, podsOf(deployment, found));
}

async function outpostChecks(round: Round, expected: ExpectedOutpost, found: Outposts): Promise<Check[]> {
  const deployment = deploymentOf(expected, found);
  if (!deployment) return [missing(expected, found)];
  const own = podsOf(deployment, found);
  const ofDeployment = [
    carrierCheck("volume", round, expected, deployment, own),
    containersCheck(round, expected, deployment, own),
    carrierCheck("names", round, expected, deployment, own),
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

const lookedInto = ({ cluster }: Round, pods: OutpostPod[]): Promise<LookedInto[]> =>
  mapParallel(pods, async (pod) => ({ ...pod, inside: await lookInside(cluster, pod) }));

/** Checks an outpost that the CronJob alone sweeps, as far as the outpost goes. */
async function sweptCheck(round: Round, expected: ExpectedOutpost, found: Outposts): Promise<Check> {
  const deployment = deploymentOf(expected, found);
  if (!deployment) return missing(expected, found);
  return sessionsCheck(expected, deployment, await lookedInto(round, podsOf(deployment, found)));
}

function missing({ name, deployment }: ExpectedOutpost, found: Outposts, check = "volume"): Check {
  const others = found.deployments.map(nameOf).join(", ") || "none";
  return checkOf(name, check, {
    wrong: `there is no Deployment ${deployment}; proxy outposts found: ${others}`,
    todo: "Correct the outpost's name or the namespace, or see why authentik has not deployed it (System Tasks in its Admin UI).",
  });
}

/**
 * Reports an outpost that nothing sweeps. Only an expectation in force has one: the stack's outposts without a solution are not
 * checked.
 */
function noSolution({ outpostShm }: Round, { name, deployment }: ExpectedOutpost): Check {
  return checkOf(name, "solution", {
    wrong: "neither a sidecar nor the CronJob sweeps it",
    todo: `Add it to \`outposts\` and deploy again ${eitherWay()}; until then: ${outpostShm(`status ${deployment}`)}`,
  });
}
