import type { V1CronJob } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { authentikManager } from "../../authentik/names";
import { cronJobName, isStack, scriptsConfigMap, settingsConfigMap, sidecarContainer } from "../../cleaner/names";
import type { Deployment } from "../../kubernetes/types";
import { hasCronJob } from "../../settings/types";
import { eitherWay, recreateCommand } from "../advice";
import { carriesSidecar } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import { fieldOwners, isAdmitted, isOurs, isOwnCronJob } from "../pods/solution";
import type { Cause, Found } from "./finding";
import { isUnchecked, type Snapshot } from "./snapshot";

/** Finds our CronJob where the stack wants none. */
export function unwantedCronJob(cronJob: V1CronJob, { expectation }: Snapshot): Cause | undefined {
  if (!isOwnCronJob(cronJob) || !expectation || expectation.outposts.some(hasCronJob)) return undefined;
  return {
    seen: "it is there, and no outpost of the stack has `solution: cronjob` or `both`",
    why: "It goes on sweeping by settings that nobody maintains.",
    todo: `Run \`pulumi up --refresh\`, or delete what an earlier \`render\` wrote (docs/gitops.md). Where that leaves it, another stack made it: find its state, or delete it with its Role, RoleBinding and ServiceAccount.`,
  };
}

/** Finds objects of ours that an earlier solution has left, and that nothing uses. */
export function unusedObjects(snapshot: Snapshot): Found[] {
  const { ownObjects, cronJobs, outposts, kubectl } = snapshot;
  const settings = outposts.deployments
    .filter((deployment) => carriesSidecar(deployment) || isAdmitted(deployment, outposts))
    .map((deployment) => settingsConfigMap(nameOf(deployment)));
  const mayHaveCronJob = cronJobs.some(isOwnCronJob) || isUnchecked(snapshot, "CronJobs");
  const unused = ownObjects.filter(({ kind, name }) => {
    if (name === scriptsConfigMap) return settings.length === 0;
    if (kind === "ConfigMap") return name.endsWith(settingsConfigMap("")) && !settings.includes(name);
    return name.startsWith(cronJobName) && !mayHaveCronJob;
  });
  const ofConfigMap = {
    seen: "no Deployment with the sidecar reads it",
    why: "Settings that nobody reads mislead whoever changes them.",
  };
  const ofAccount = {
    seen: "there is no CronJob that uses it",
    why: "An account that may exec in the namespace's pods is a risk nobody needs.",
  };
  return unused.map(({ kind, name }) => ({
    subject: `${kind}/${name}`,
    ...(kind === "ConfigMap" ? ofConfigMap : ofAccount),
    todo: `Run \`pulumi up --refresh\` of the stack that made it; where there is none: ${kubectl} delete ${kind.toLowerCase()} ${name}`,
  }));
}

/** Finds parts of the sidecar that somebody else put on the Deployment. */
export function pasted(deployment: Deployment, snapshot: Snapshot): Cause | undefined {
  if (isOurs(deployment)) return undefined;
  const taken = fieldOwners(deployment).filter(({ owners }) => !owners.every(isStack));
  if (taken.length === 0) return undefined;
  const owners = [...new Set(taken.flatMap((each) => each.owners))].sort();
  const half = carriesSidecar(deployment) ? "" : `, and without a container ${sidecarContainer} nothing sweeps it`;
  const name = nameOf(deployment);
  const seen = `${taken.map(({ field }) => field).join(", ")}: owned by ${owners.join(", ")}${half}`;
  if (owners.includes(authentikManager)) {
    return {
      seen,
      why: "A JSON patch in authentik put it there. authentik's merge never removes anything: it stays after the patch is gone, and keeps `delivery: deployment` from working.",
      todo: `Remove the patch where it is kept (the Admin UI, Terraform, a blueprint), then ${recreateCommand(snapshot, name)}, and deploy again ${eitherWay()}; or, only where nobody else writes the outpost's config, have it taken over by \`delivery: authentik\`.`,
    };
  }
  return {
    seen,
    why: "It was put there by hand, and keeps ours from being deployed: two owners of /dev/shm would get in each other's way.",
    todo: `Remove it (${snapshot.kubectl} edit deployment ${name}), then deploy again ${eitherWay()}.`,
  };
}
