import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { fullInWords, type Releases } from "../../authentik/versions";
import { cronJobName } from "../../cleaner/names";
import { isAdmitted } from "../pods/solution";
import { carriesSidecar } from "../pods/containers";
import { resumeCronJob, sweptDeployments } from "../pods/cronJob";
import { nameOf } from "../pods/outpostPods";
import type { Finding } from "./finding";
import { isCurable, releasesIn } from "./sessions";
import type { Snapshot } from "./snapshot";

/** Finds outposts that nothing sweeps, except for those that no sweep would help. */
export function unsweptFindings(snapshot: Snapshot): Finding[] {
  const { outposts, cronJobs, unchecked } = snapshot;
  if (unchecked.some(({ what }) => what === "CronJobs")) return [];
  const cronJob = cronJobs.find(({ metadata }) => metadata?.name === cronJobName);
  return outposts.deployments
    .filter((deployment) => !carriesSidecar(deployment) && !isAdmitted(deployment, outposts))
    .filter((deployment) => isCurable(deployment, snapshot))
    .flatMap((deployment) => {
      const isSwept = cronJob !== undefined && sweptDeployments(cronJob).includes(nameOf(deployment));
      if (isSwept && cronJob.spec?.suspend !== true) return [];
      return [
        { check: "solution", subject: `Deployment/${nameOf(deployment)}`, ...because(deployment, isSwept, snapshot) },
      ];
    });
}

function because(
  deployment: V1Deployment,
  isSuspended: boolean,
  snapshot: Snapshot,
): Pick<Finding, "seen" | "why" | "todo"> {
  const { expectation, kubectl, outpostShm } = snapshot;
  const why = cost(releasesIn(deployment, snapshot));
  if (isSuspended) {
    return {
      seen: `CronJob ${cronJobName}, which is to sweep it, is suspended${expectation?.suspend ? ", as the stack's `suspend: true` says" : ""}`,
      why,
      todo: expectation?.suspend
        ? "If it is to sweep again: `pulumi config set suspend false && pulumi up`."
        : `Find out who suspended it, then: ${resumeCronJob(kubectl)}`,
    };
  }
  const room = `Room at once: ${outpostShm("cleanup --anonymous")}`;
  const wanted = expectation?.outposts.find((outpost) => outpost.deployment === nameOf(deployment))?.solution ?? "none";
  if (wanted === "none") {
    return {
      seen: "neither a sidecar nor the CronJob sweeps it",
      why,
      todo: `Add it to the stack's \`outposts\` and run \`pulumi up\`. ${room}`,
    };
  }
  return {
    seen: `the stack has \`solution: ${wanted}\` for it, and neither a sidecar nor the CronJob sweeps it`,
    why,
    todo: `Run \`pulumi up --refresh\`: authentik may have recreated the Deployment. ${room}`,
  };
}

function cost(releases: Releases | undefined): string {
  const filled = `Its /dev/shm fills with the sessions of ${releases?.filledBy ?? "visitors"}, and ${fullInWords(releases)}.`;
  return releases && !releases.ownSweep ? `${filled} It has no sweep of its own.` : filled;
}
