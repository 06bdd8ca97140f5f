import { authentikManager, isProxyOutpost } from "../authentik/names";
import { isStack } from "../cleaner/names";
import type { Deployment } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/types";
import type { TakenField } from "../podPatch/takenFields";
import { problem, type Findings } from "./findings";
import type { Look } from "./look";

// Problems that more than one look may find.

export function missingDeployment(
  { name, deployment }: OutpostSettings,
  { namespace, deployments = [] }: Look,
): Findings {
  const found = deployments
    .filter(isProxyOutpost)
    .map((live) => live.metadata?.name)
    .filter(Boolean)
    .sort();
  return problem(
    `outpost "${name}": there is no Deployment ${deployment} in namespace ${namespace}; ` +
      `proxy outposts found there: ${found.length > 0 ? found.join(", ") : "none"}. ` +
      `Correct the outpost's name or the namespace; set the outpost's \`deployment\` if its name is another; ` +
      `or set its \`solution\` to none until authentik has created it. ` +
      `(authentik's embedded outpost has no Deployment and needs none of this: since 2025.10 it keeps its sessions in PostgreSQL.)`,
  );
}

export function noContainer({ name, deployment, container }: OutpostSettings, live: Deployment): Findings {
  const names = live.spec?.template.spec?.containers.map(({ name }) => name) ?? [];
  return problem(
    `outpost "${name}": Deployment ${deployment} has no container ${container}, only ${names.join(", ")}. ` +
      `Set the outpost's \`container\` to the one that runs authentik's proxy; or, if none does, take the outpost off \`outposts\`: ` +
      `outposts of other types (LDAP, RADIUS, RAC) have no sessions in /dev/shm.`,
  );
}

export function fieldsTaken({ name, deployment }: OutpostSettings, taken: TakenField[]): Findings {
  const found = taken.map(({ field, owners }) => `${field} (owned by ${owners.join(", ")})`).join("; ");
  const isOwnedBy = (test: (owner: string) => boolean) => taken.some(({ owners }) => owners.some(test));
  const wayOn = isOwnedBy(isStack)
    ? `That is another stack of this program. Take the outpost off the \`outposts\` of one of the two.`
    : isOwnedBy((owner) => owner === authentikManager)
      ? waysFromPatch(deployment)
      : `Undo that change, or set the outpost's \`solution\` to cronjob, which needs none of these.`;
  return problem(`outpost "${name}": Deployment ${deployment} already has ${found}. ${wayOn}`);
}

/** Lists the ways on from a patch in authentik. Taking it over comes last: another program would put it back. */
const waysFromPatch = (deployment: string): string =>
  `That came by the outpost's kubernetes_json_patches. ` +
  `Take the patch out where it is kept (the Admin UI, Terraform's authentik_outpost, a blueprint), and have authentik create the Deployment ` +
  `without it: npx --no-install outpost-shm recreate ${deployment} --stack STACK (its users log in again); ` +
  `or keep the patch there, and set the outpost's \`solution\` to cronjob, which needs none of these; ` +
  `or set its \`delivery\` to authentik, which takes the patch over: only where nobody else writes the outpost's config, ` +
  `since Terraform and blueprints write all of it and would take ours out again.`;
