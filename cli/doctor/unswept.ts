import { fullInWords, type Releases } from "../../authentik/versions";
import { cronJobName } from "../../cleaner/names";
import type { Deployment } from "../../kubernetes/types";
import { eitherWay, resumeCronJob } from "../advice";
import { isAdmitted, sweptDeployments } from "../pods/solution";
import { carriesSidecar } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import type { Cause } from "./finding";
import { isCurable, releasesIn } from "./sessions";
import type { Snapshot } from "./snapshot";

/** Finds outposts that nothing sweeps, except for those that no sweep would help. */
export function unswept(deployment: Deployment, snapshot: Snapshot): Cause | undefined {
  const { outposts, cronJobs, unchecked, expectation, kubectl, outpostShm } = snapshot;
  if (carriesSidecar(deployment) || isAdmitted(deployment, outposts) || !isCurable(deployment, snapshot))
    return undefined;
  const cronJob = cronJobs.find(({ metadata }) => metadata?.name === cronJobName);
  const isListed = sweptDeployments(cronJob).includes(nameOf(deployment));
  const isSuspended = isListed && cronJob?.spec?.suspend === true;
  if (unchecked.some(({ what }) => what === "CronJobs") || (isListed && !isSuspended)) return undefined;
  const why = cost(releasesIn(deployment, snapshot));
  if (isSuspended) {
    const seen = `CronJob ${cronJobName}, which is to sweep it, is suspended`;
    if (!expectation?.suspend) return { seen, why, todo: resumeCronJob(kubectl) };
    const todo = `If it is to sweep again, set \`suspend\` to false and deploy again ${eitherWay()}.`;
    return { seen: `${seen}, as the stack's \`suspend: true\` says`, why, todo };
  }
  const neither = "neither a sidecar nor the CronJob sweeps it";
  const room = `Room at once: ${outpostShm("cleanup --anonymous")}`;
  const wanted = expectation?.outposts.find((each) => each.deployment === nameOf(deployment))?.solution ?? "none";
  if (wanted === "none")
    return { seen: neither, why, todo: `Add it to \`outposts\` and deploy again ${eitherWay()}. ${room}` };
  const todo = `Deploy again ${eitherWay()}: authentik may have recreated the Deployment. ${room}`;
  return { seen: `the stack has \`solution: ${wanted}\` for it, and ${neither}`, why, todo };
}

function cost(releases: Releases | undefined): string {
  const filled = `Its /dev/shm fills with the sessions of ${releases?.filledBy ?? "visitors"}, and ${fullInWords(releases)}.`;
  return releases && !releases.ownSweep ? `${filled} It has no sweep of its own.` : filled;
}
