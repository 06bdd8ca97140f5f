import type { V1Container } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { sidecarContainer, shmMountPath, cronJobName } from "../../cleaner/names";
import { containersNamed, containersOf } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import type { Finding } from "./finding";
import type { Snapshot } from "./snapshot";

const check = "two cleaners";
const why =
  "Who removes by age alone ends logins that ours would keep, typically after an hour; what is gone can't be told by our metrics.";

/** Finds a second cleaner of /dev/shm. Our CronJob beside our sidecar is no finding: that is the solution `both`. */
export function twoCleanersFindings({ outposts, cronJobs, kubectl, outpostShm }: Snapshot): Finding[] {
  const inPods = outposts.deployments.flatMap((deployment) => {
    const subject = `Deployment/${nameOf(deployment)}`;
    const sidecars = containersNamed(deployment, sidecarContainer);
    const twice =
      sidecars.length > 1
        ? [
            {
              check,
              subject,
              seen: `container ${sidecarContainer} is there as an init container and as an ordinary one`,
              why: "Two sidecars sweep, and both want port 9301: one serves no metrics, and restarts.",
              todo: `One is of an older patch: remove that from the outpost's kubernetes_json_patches in authentik, then \`${outpostShm(`recreate ${nameOf(deployment)}`)}\` and \`pulumi up\`.`,
            },
          ]
        : [];
    const strangers = containersOf(deployment).filter(
      (container) => container.name !== sidecarContainer && cleans(container),
    );
    return [
      ...twice,
      ...strangers.map(({ name }) => ({
        check,
        subject,
        seen: `container ${name} removes files from ${shmMountPath} as well`,
        why,
        todo: `Take container ${name} out where it comes from (a patch in authentik, or by hand).`,
      })),
    ];
  });
  const others = cronJobs.filter(
    ({ metadata, spec }) =>
      metadata?.name !== cronJobName && spec?.suspend !== true && removes(JSON.stringify(spec ?? {})),
  );
  return [
    ...inPods,
    ...others.map(({ metadata }) => ({
      check,
      subject: `CronJob/${metadata?.name}`,
      seen: `it removes files from ${shmMountPath} as well`,
      why,
      todo: `${kubectl} delete cronjob ${metadata?.name}, or ${kubectl} patch cronjob ${metadata?.name} -p '{"spec":{"suspend":true}}' to try without it.`,
    })),
  ];
}

const cleans = ({ command = [], args = [] }: V1Container): boolean => removes([...command, ...args].join("\n"));

const removes = (text: string): boolean =>
  text.includes(shmMountPath) && /-delete|\brm\b|\bunlink\b|tmpwatch|tmpreaper/.test(text);
