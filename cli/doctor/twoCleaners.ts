import type { V1Container } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { metricsPort } from "../../cleaner/constants";
import { sidecarContainer, shmMountPath, cronJobName } from "../../cleaner/names";
import { eitherWay } from "../advice";
import { containersNamed, containersOf } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import type { Cause, Found } from "./finding";
import type { Snapshot } from "./snapshot";

const why =
  "Who removes by age alone ends logins that ours would keep, typically after an hour; what is gone can't be told by our metrics.";

/** Finds a second cleaner of /dev/shm. Our CronJob beside our sidecar is no finding: that is the solution `both`. */
export function twoCleanersFindings({ outposts, cronJobs, kubectl, outpostShm }: Snapshot): Found[] {
  const inPods = outposts.deployments.flatMap((deployment) => {
    const name = nameOf(deployment);
    const isTwice = containersNamed(deployment, sidecarContainer).length > 1;
    const strangers = containersOf(deployment).filter((each) => each.name !== sidecarContainer && cleans(each));
    const causes = [...(isTwice ? [twice(outpostShm(`recreate ${name}`))] : []), ...strangers.map(stranger)];
    return causes.map((cause) => ({ subject: `Deployment/${name}`, ...cause }));
  });
  const others = cronJobs.filter(
    ({ metadata, spec }) =>
      metadata?.name !== cronJobName && spec?.suspend !== true && removes(JSON.stringify(spec ?? {})),
  );
  return [
    ...inPods,
    ...others.map(({ metadata }) => ({
      subject: `CronJob/${metadata?.name}`,
      seen: `it removes files from ${shmMountPath} as well`,
      why,
      todo: `${kubectl} delete cronjob ${metadata?.name}, or ${kubectl} patch cronjob ${metadata?.name} -p '{"spec":{"suspend":true}}' to try without it.`,
    })),
  ];
}

const twice = (recreate: string): Cause => ({
  seen: `container ${sidecarContainer} is there as an init container and as an ordinary one`,
  why: `Two sidecars sweep, and both want port ${metricsPort}: one serves no metrics, and restarts.`,
  todo: `One is of an older patch: remove that from the outpost's kubernetes_json_patches in authentik, then \`${recreate}\`, and deploy again ${eitherWay()}.`,
});

const stranger = ({ name }: V1Container): Cause => ({
  seen: `container ${name} removes files from ${shmMountPath} as well`,
  why,
  todo: `Take container ${name} out where it comes from (a patch in authentik, or by hand).`,
});

const cleans = ({ command = [], args = [] }: V1Container): boolean => removes([...command, ...args].join("\n"));

const removes = (text: string): boolean =>
  text.includes(shmMountPath) && /-delete|\brm\b|\bunlink\b|tmpwatch|tmpreaper/.test(text);
