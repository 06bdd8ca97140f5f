import type { V1Container, V1CronJob } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { metricsPort } from "../../cleaner/scriptNumbers";
import { sidecarContainer, shmMountPath } from "../../cleaner/names";
import type { Deployment } from "../../kubernetes/types";
import { eitherWay, recreateCommand } from "../advice";
import { containersNamed, containersOf } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import { isOwnCronJob } from "../pods/solution";
import type { Cause } from "./finding";
import type { Snapshot } from "./snapshot";

const seenToo = `removes files from ${shmMountPath} as well`;
const why =
  "Who removes by age alone ends logins that ours would keep, typically after an hour; what is gone can't be told by our metrics.";

/** Finds a second cleaner of /dev/shm in an outpost's pods. */
export function secondCleaners(deployment: Deployment, snapshot: Snapshot): Cause[] {
  const isTwice = containersNamed(deployment, sidecarContainer).length > 1;
  const strangers = containersOf(deployment).filter((each) => each.name !== sidecarContainer && cleans(each));
  return [...(isTwice ? [twice(recreateCommand(snapshot, nameOf(deployment)))] : []), ...strangers.map(stranger)];
}

/** Finds another CronJob that cleans /dev/shm. Our own beside our sidecar is no finding: that is the solution `both`. */
export function secondCronJob(cronJob: V1CronJob, { kubectl }: Snapshot): Cause | undefined {
  const { metadata, spec } = cronJob;
  const { containers = [], initContainers = [] } = spec?.jobTemplate.spec?.template.spec ?? {};
  if (isOwnCronJob(cronJob) || spec?.suspend || ![...initContainers, ...containers].some(cleans)) return undefined;
  return {
    seen: `it ${seenToo}`,
    why,
    todo: `${kubectl} delete cronjob ${metadata?.name}, or ${kubectl} patch cronjob ${metadata?.name} -p '{"spec":{"suspend":true}}' to try without it.`,
  };
}

const twice = (recreate: string): Cause => ({
  seen: `container ${sidecarContainer} is there as an init container and as an ordinary one`,
  why: `Two sidecars sweep, and both want port ${metricsPort}: one serves no metrics, and restarts.`,
  todo: `One is of an older patch: remove that from the outpost's kubernetes_json_patches in authentik, then ${recreate}, and deploy again ${eitherWay()}.`,
});

const stranger = ({ name }: V1Container): Cause => ({
  seen: `container ${name} ${seenToo}`,
  why,
  todo: `Take container ${name} out where it comes from (a patch in authentik, or by hand).`,
});

function cleans({ command = [], args = [] }: V1Container): boolean {
  const text = [...command, ...args].join("\n");
  return text.includes(shmMountPath) && /-delete|\brm\b|\bunlink\b|tmpwatch|tmpreaper/.test(text);
}
