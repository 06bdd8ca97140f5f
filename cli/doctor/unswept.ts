import { fullInWords, type Releases } from "../../authentik/releases";
import { cronJobName, sidecarContainer } from "../../cleaner/names";
import type { Deployment } from "../../kubernetes/types";
import { eitherWay, replaceBare, resumeCronJob } from "../advice";
import { barePods, isAdmitted, isOwnCronJob } from "../pods/solution";
import { sweptDeployments } from "../pods/sweptDeployments";
import { carriesSidecar } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import { counted } from "../units";
import type { Cause } from "./finding";
import { isCurable, releasesIn } from "./sessions";
import { isUnchecked, type Snapshot } from "./snapshot";

/** Finds outposts that nothing sweeps, except for those that no sweep would help. */
export function unswept(deployment: Deployment, snapshot: Snapshot): Cause | undefined {
  const { outposts, cronJobs, expectation, kubectl, outpostShm } = snapshot;
  if (carriesSidecar(deployment) || isAdmitted(deployment, outposts) || !isCurable(deployment, snapshot))
    return undefined;
  const cronJob = cronJobs.find(isOwnCronJob);
  const isListed = sweptDeployments(cronJob).includes(nameOf(deployment));
  const isSuspended = isListed && cronJob?.spec?.suspend === true;
  if (isUnchecked(snapshot, "CronJobs") || (isListed && !isSuspended)) return undefined;
  const why = cost(releasesIn(deployment, snapshot));
  if (isSuspended) {
    const seen = `CronJob ${cronJobName}, which is to sweep it, is suspended`;
    if (!expectation?.suspend) return { seen, why, todo: resumeCronJob(kubectl) };
    const todo = `If it is to sweep again, set \`suspend\` to false and deploy again ${eitherWay()}.`;
    return { seen: `${seen}, as the stack's \`suspend: true\` says`, why, todo };
  }
  const neither = "neither a sidecar nor the CronJob sweeps it";
  const room = `Room at once: ${outpostShm("cleanup --anonymous")}`;
  const wanted = expectation?.outposts.find((each) => each.deployment === nameOf(deployment))?.solution;
  if (wanted === undefined || wanted === "none") {
    const todo = wanted ? "Set its `solution` to sidecar or cronjob," : "Add it to `outposts`";
    return { seen: neither, why, todo: `${todo} and deploy again ${eitherWay()}. ${room}` };
  }
  const todo = `Deploy again ${eitherWay()}: authentik may have recreated the Deployment. ${room}`;
  return { seen: `the stack has \`solution: ${wanted}\` for it, and ${neither}`, why, todo };
}

function cost(releases: Releases | undefined): string {
  const filled = `Its /dev/shm fills with the sessions of ${releases?.filledBy ?? "visitors"}, and ${fullInWords(releases)}.`;
  return releases && !releases.ownSweep ? `${filled} It has no sweep of its own.` : filled;
}

/** Finds pods that an admission policy should have given the sidecar. Such a fault keeps no pod from starting, so nothing else shows it. */
export function missedByAdmission(deployment: Deployment, { outposts, kubectl }: Snapshot): Cause | undefined {
  const bare = barePods(deployment, outposts).map(({ name }) => name);
  if (bare.length === 0) return undefined;
  return {
    seen: `${counted(bare.length, "pod")} without container ${sidecarContainer}: ${bare.join(", ")}`,
    why: "The admission policy that gives it to them was missing, edited or failing as they were created. Their /dev/shm has 64 MiB, and nothing sweeps it.",
    todo: replaceBare(kubectl, bare),
  };
}
