import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { authentikManager } from "../../authentik/names";
import {
  scriptsConfigMap,
  settingsConfigMap,
  settingsVariable,
  shmVolume,
  sidecarContainer,
  stackManagerPrefix,
  cronJobName,
} from "../../cleaner/names";
import { ownersOf } from "../../kubernetes/fieldOwners";
import { hasCronJob } from "../../settings/settings";
import { sidecarFields } from "../../sidecar/takenFields";
import { isAdmitted } from "../pods/solution";
import { containersNamed, carriesSidecar, outpostContainerIn } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import type { Finding } from "./finding";
import type { Snapshot } from "./snapshot";

const check = "leftovers";

/** Finds what an earlier solution has left: objects of ours that nothing uses, and parts of the pod that are not ours. */
export function leftoverFindings(snapshot: Snapshot): Finding[] {
  return [
    ...unusedCronJob(snapshot),
    ...unusedObjects(snapshot),
    ...snapshot.outposts.deployments.flatMap((deployment) => pasted(deployment, snapshot)),
  ];
}

function unusedCronJob({ cronJobs, expectation }: Snapshot): Finding[] {
  const there = cronJobs.some(({ metadata }) => metadata?.name === cronJobName);
  if (!there || !expectation || expectation.outposts.some(hasCronJob)) return [];
  return [
    {
      check,
      subject: `CronJob/${cronJobName}`,
      seen: "it is there, and no outpost of the stack has `solution: cronjob` or `both`",
      why: "It goes on sweeping by settings that nobody maintains.",
      todo: "Run `pulumi up --refresh`; where that leaves it, another stack made it: find its state, or delete it with its Role, RoleBinding and ServiceAccount.",
    },
  ];
}

function unusedObjects({ ownObjects, cronJobs, outposts, kubectl, unchecked }: Snapshot): Finding[] {
  const settings = outposts.deployments
    .filter((deployment) => carriesSidecar(deployment) || isAdmitted(deployment, outposts))
    .map((deployment) => settingsConfigMap(nameOf(deployment)));
  const hasCronJobHere =
    cronJobs.some(({ metadata }) => metadata?.name === cronJobName) ||
    unchecked.some(({ what }) => what === "CronJobs");
  const unused = ownObjects.filter(({ kind, name }) => {
    if (name === scriptsConfigMap) return settings.length === 0;
    if (kind === "ConfigMap") return name.endsWith(settingsConfigMap("")) && !settings.includes(name);
    return name.startsWith(cronJobName) && !hasCronJobHere;
  });
  return unused.map(({ kind, name }) => ({
    check,
    subject: `${kind}/${name}`,
    seen: kind === "ConfigMap" ? "no Deployment with the sidecar reads it" : "there is no CronJob that uses it",
    why:
      kind === "ConfigMap"
        ? "Settings that nobody reads mislead whoever changes them."
        : "An account that may exec in the namespace's pods is a risk nobody needs.",
    todo: `Run \`pulumi up --refresh\` of the stack that made it; where there is none: ${kubectl} delete ${kind.toLowerCase()} ${name}`,
  }));
}

function pasted(deployment: V1Deployment, { kubectl, outpostShm }: Snapshot): Finding[] {
  if (isOurs(deployment)) return [];
  const { managedFields = [] } = deployment.metadata ?? {};
  const taken = sidecarFields(outpostContainerIn(deployment))
    .map(({ field, path }) => ({ field, owners: ownersOf(path, managedFields) }))
    .filter(({ owners }) => owners.some((owner) => !owner.startsWith(stackManagerPrefix)));
  if (taken.length === 0) return [];
  const owners = [...new Set(taken.flatMap((each) => each.owners))].sort();
  const seen = `${taken.map(({ field }) => field).join(", ")}: owned by ${owners.join(", ")}`;
  const half = carriesSidecar(deployment) ? "" : `, and without a container ${sidecarContainer} nothing sweeps it`;
  return [
    {
      check,
      subject: `Deployment/${nameOf(deployment)}`,
      seen: `${seen}${half}`,
      why: owners.includes(authentikManager)
        ? "A JSON patch in authentik put it there. authentik's merge never removes anything: it stays after the patch is gone, and keeps `delivery: deployment` from working."
        : "It was put there by hand, and keeps `pulumi up` from working: two owners of /dev/shm would get in each other's way.",
      todo: owners.includes(authentikManager)
        ? `Remove the patch where it is kept (the Admin UI, Terraform, a blueprint), then \`${outpostShm(`recreate ${nameOf(deployment)}`)}\` and \`pulumi up\`; or, only where nobody else writes the outpost's config, have it taken over by \`delivery: authentik\`.`
        : `Remove it (${kubectl} edit deployment ${nameOf(deployment)}), then run \`pulumi up\`.`,
    },
  ];
}

/**
 * Tells whether the sidecar is this program's, by either delivery. A volume without a sidecar is ours if only stacks own it.
 */
export function isOurs(deployment: V1Deployment): boolean {
  const { metadata, spec } = deployment;
  const sidecars = containersNamed(deployment, sidecarContainer);
  if (sidecars.length > 0) return sidecars.every(({ env }) => env?.some(({ name }) => name === settingsVariable));
  const owners = sidecarFields(outpostContainerIn(deployment)).flatMap(({ path }) =>
    ownersOf(path, metadata?.managedFields ?? []),
  );
  const { volumes = [] } = spec?.template.spec ?? {};
  return (
    volumes.some(({ name }) => name === shmVolume) && owners.every((owner) => owner.startsWith(stackManagerPrefix))
  );
}
