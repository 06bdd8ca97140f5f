import { authentikManager, deploymentNames } from "../authentik/names";
import { shmVolume, stackManagerPrefix } from "../cleaner/names";
import type { Deployment } from "../kubernetes/types";
import type { OutpostSettings, Settings } from "../settings/settings";
import { outpostRows } from "../settings/table";
import type { TakenField } from "../sidecar/takenFields";

/**
 * Begins with what matters most, since the rich diff of a preview cuts long texts off.
 * @param reason the error of the first request
 */
export function outOfReach({ authentikUrl }: Pick<Settings, "authentikUrl">, reason: string): string {
  return (
    "this preview has not seen the cluster (`preflight` is optional): it can't know which pods restart, or whether the update will be refused. " +
    `Not looked at: the Deployments and who owns their /dev/shm, the pods' memory limits and users, what the cluster supports` +
    `${authentikUrl ? ", the outposts in authentik" : ""}. The reason: ${reason.replace(/\.$/, "")}. ` +
    "The update looks first, and changes nothing if it can't."
  );
}

export function missingDeployment(settings: OutpostSettings, namespace: string, known: Deployment[]): string {
  const found = known
    .map((live) => live.metadata?.name)
    .filter(Boolean)
    .sort();
  return (
    `outpost "${settings.name}": there is no Deployment ${settings.deployment} in namespace ${namespace}; ` +
    `proxy outposts found there: ${found.length > 0 ? found.join(", ") : "none"}. ` +
    `Correct the outpost's name or the namespace; set the outpost's \`deployment\` if its name is another; ` +
    `or set its \`solution\` to none until authentik has created it. ` +
    `(authentik's embedded outpost has no Deployment and needs none of this: since 2025.10 it keeps its sessions in PostgreSQL.)`
  );
}

export function beingDeleted({ name, deployment }: OutpostSettings): string {
  return (
    `outpost "${name}": Deployment ${deployment} is being deleted, by \`outpost-shm recreate\` or by somebody else, and a patch would go with it. ` +
    `Update the stack once authentik has created it again.`
  );
}

export function noContainer({ name, deployment, container }: OutpostSettings, live: Deployment): string {
  const names = live.spec?.template.spec?.containers.map(({ name }) => name) ?? [];
  return (
    `outpost "${name}": Deployment ${deployment} has no container ${container}, only ${names.join(", ")}. ` +
    `Set the outpost's \`container\` to the one that runs authentik's proxy; or, if none does, take the outpost off \`outposts\`: ` +
    `outposts of other types (LDAP, RADIUS, RAC) have no sessions in /dev/shm.`
  );
}

export function formerName({ name, deployment }: OutpostSettings): string {
  return (
    `outpost "${name}": its Deployment is ${deployment}, as authentik named it before 2025.4. ` +
    `A Deployment of the name that authentik gives today, ${deploymentNames(name)[0]}, is not there.`
  );
}

export function takenFields(settings: OutpostSettings, taken: TakenField[]): string {
  const found = taken.map(({ field, owners }) => `${field} (owned by ${owners.join(", ")})`).join("; ");
  const isOwnedBy = (test: (owner: string) => boolean) => taken.some(({ owners }) => owners.some(test));
  if (isOwnedBy((owner) => owner.startsWith(stackManagerPrefix))) {
    return (
      `outpost "${settings.name}": Deployment ${settings.deployment} already has ${found}. ` +
      `That is another stack of this program. Take the outpost off the \`outposts\` of one of the two.`
    );
  }
  const waysOn = isOwnedBy((owner) => owner === authentikManager)
    ? waysFromPatch(settings)
    : `Undo that change, or set the outpost's \`solution\` to cronjob, which needs none of these.`;
  return `outpost "${settings.name}": Deployment ${settings.deployment} already has ${found}. ${waysOn}`;
}

/** Lists the ways on from a patch in authentik. Taking it over comes last: another program would put it back. */
function waysFromPatch({ deployment }: OutpostSettings): string {
  return (
    `That came by the outpost's kubernetes_json_patches. ` +
    `Take the patch out where it is kept (the Admin UI, Terraform's authentik_outpost, a blueprint), and have authentik create the Deployment ` +
    `without it: npx --no-install outpost-shm recreate ${deployment} --stack STACK (its users log in again); ` +
    `or keep the patch there, and set the outpost's \`solution\` to cronjob, which needs none of these; ` +
    `or set its \`delivery\` to authentik, which takes the patch over: only where nobody else writes the outpost's config, ` +
    `since Terraform and blueprints write all of it and would take ours out again.`
  );
}

export function invalid(live: Deployment, reason: string): string {
  return `Deployment ${live.metadata?.name}: the API server would not take the sidecar: ${reason}`;
}

export function podRefused({ name }: OutpostSettings, reason: string): string {
  return (
    `outpost "${name}": the API server would not take a pod with the sidecar: ${reason}. ` +
    `Change what refuses it, or the setting that it refuses.`
  );
}

/** @param parts of the sidecar that a pod has without it, as messages name them */
export function foreignParts({ name, deployment }: OutpostSettings, parts: string[]): string {
  return (
    `outpost "${name}": a new pod of Deployment ${deployment} has ${parts.join(" and ")} already, so it would get no sidecar. ` +
    `Take that out of what brings it: the Deployment, another admission policy or a webhook.`
  );
}

/** @param fields of the sidecar's part of a pod */
export function podChanged({ name, deployment }: OutpostSettings, fields: string[]): string {
  return (
    `outpost "${name}": another admission policy or a webhook changes what the sidecar needs in a new pod of Deployment ${deployment}: ` +
    `${fields.join(", ")}. Have it leave these as they are.`
  );
}

export function unknownPod({ name }: OutpostSettings): string {
  return (
    `outpost "${name}": whether the API server takes a pod with the sidecar is not known, ` +
    `since your account may not create pods, not even in a dry run.`
  );
}

export function barePod({ name, deployment }: OutpostSettings): string {
  return (
    `outpost "${name}": a new pod of Deployment ${deployment} would have no sidecar now, so its admission policy is missing, has been edited, or fails. ` +
    `This update puts the policy back. Pods that have no sidecar get it once they are replaced: outpost-shm status shows them.`
  );
}

export function noPodAdmission(version: string): string {
  return (
    `delivery admission: this cluster runs Kubernetes ${version} and has no MutatingAdmissionPolicy (on by default from 1.36 on). ` +
    `Set \`delivery\` to deployment.`
  );
}

export const podAdmissionForbidden =
  "delivery admission needs a MutatingAdmissionPolicy and its bindings, which your account may not create. " +
  "Have somebody update the stack who may, or set `delivery` to deployment.";

export function restart(live: Deployment): string {
  const replicas = live.spec?.replicas ?? 1;
  const pods = replicas === 1 ? "its pod" : `its ${replicas} pods`;
  return (
    `Deployment ${live.metadata?.name}: this change restarts ${pods} (rolling update). ` +
    `The sessions in a restarted pod end: their users log in again.`
  );
}

export function unknownRestart(live: Deployment, reason: string): string {
  return `Deployment ${live.metadata?.name}: whether this change restarts its pods is not known, the dry run was refused: ${reason}`;
}

export function adopted(settings: OutpostSettings, parts: string[]): string {
  return `outpost "${settings.name}": the patch pasted by hand is taken over: ours replaces its ${parts.join(", ")}.`;
}

/** @param by name of the user who changed the outpost last, if that is known */
export function vanished({ name, deployment }: OutpostSettings, by: string | undefined): string {
  return (
    `outpost "${name}": our part has vanished from its kubernetes_json_patches in authentik since the last update; Deployment ${deployment} ` +
    `still has it. Programs that write an outpost's config as a whole do that, such as Terraform (authentik_outpost) or a blueprint` +
    `${by === undefined ? "" : `; by authentik's event log, ${by} changed the outpost last`}. ` +
    `This update puts it back, and such a program takes it out again: docs/delivery.md, "An outpost whose config another program writes", has the ways on.`
  );
}

export function pastedSize({ name, shmSize }: OutpostSettings, place: string, size: string): string {
  const kept = outpostRows.shmSize.read(size);
  const keep = "wrong" in kept ? "" : `\`shmSize: ${kept.value}\` to keep it, or `;
  return (
    `outpost "${name}": ${place} has a pasted volume ${shmVolume} of ${size}, and without \`shmSize\` in the settings /dev/shm becomes one of ${shmSize}. ` +
    `Say which it is to be: ${keep}\`shmSize: ${shmSize}\`.`
  );
}

export function otherOutpost(settings: OutpostSettings, namespace: string): string {
  return (
    `outpost "${settings.name}": Deployment ${settings.deployment} in namespace ${namespace} of this cluster is that of another outpost ` +
    `than authentik's: authentikUrl and kubernetes:context must be of the same environment`
  );
}

export function otherNamespace(settings: OutpostSettings, namespace: string, deployed: string): string {
  return (
    `outpost "${settings.name}": authentik deploys it to namespace ${deployed} (kubernetes_namespace of its config), ` +
    `and the settings name ${namespace}; one stack serves one namespace`
  );
}

export function writtenForOthers(settings: OutpostSettings, names: string[]): string {
  return (
    `outpost "${settings.name}": authentik will write its Deployment at every reconcile, because the Deployment has what authentik's patch does not: ` +
    `${names.join(", ")}. Bring it by authentik too, or set \`delivery\` to deployment.`
  );
}

export function noPolicies(namespace: string): string {
  return (
    `restrictExec: this cluster has no ValidatingAdmissionPolicy (Kubernetes has from 1.30 on), so the CronJob's account may run any ` +
    `command in the pods of namespace ${namespace}, not only the sweep. Set restrictExec to false to be told so no more.`
  );
}

export function policiesForbidden(namespace: string): string {
  return (
    `restrictExec needs a ValidatingAdmissionPolicy and its binding, which your account may not create. Have somebody update the stack who may, ` +
    `or set restrictExec to false: the CronJob's account may then run any command in the pods of namespace ${namespace}, not only the sweep.`
  );
}

/** Kinds of the Prometheus operator that we create, and their plurals. */
export const monitoringKinds = { PodMonitor: "podmonitors", PrometheusRule: "prometheusrules" } as const;
export type MonitoringKind = keyof typeof monitoringKinds;
export const monitoringGroup = "monitoring.coreos.com";

/** The setting that switches the part off. */
const monitoringPart: Record<MonitoringKind, string> = { PodMonitor: "podMonitor", PrometheusRule: "alerts" };

export function monitoringKindMissing(kind: MonitoringKind): string {
  return (
    `monitoring: this cluster has no ${kind}: the CustomResourceDefinition ${monitoringKinds[kind]}.${monitoringGroup} is missing. ` +
    `Install the Prometheus operator, or set ${monitoringPart[kind]} to false.`
  );
}

export function monitoringKindForbidden(kind: MonitoringKind, namespace: string): string {
  return (
    `monitoring: your account may not create a ${kind} (${monitoringKinds[kind]}.${monitoringGroup}) in namespace ${namespace}. ` +
    `Have somebody update the stack who may, or set ${monitoringPart[kind]} to false.`
  );
}

export function noNativeSidecars(version: string): string {
  return (
    `this cluster runs Kubernetes ${version}, and sidecars as this program uses them exist from 1.29 on. ` +
    `Set \`solution\` to cronjob, which works on any version.`
  );
}
