import { isAuthentikError } from "../authentik/apiErrors";
import type { ProxyOutpost } from "../authentik/client";
import { authentikManager, belongsTo } from "../authentik/names";
import { isJsonPatchError, type JsonPatchOperation } from "../authentik/operations";
import { deploymentOperations } from "../authentik/outpostPatches";
import { describePatchChange } from "../authentik/patchDiff";
import type { Deployment } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/types";
import { compose, ownPart, readsOurSettings, type Composition } from "../podPatch/jsonPatch/jsonPatch";
import { sidecarMerge, strangers } from "../podPatch/jsonPatch/liveSidecar";
import { hasVanished } from "../podPatch/jsonPatch/vanished";
import { podFragment } from "../podPatch/podFragment";
import { hasContainer, takenFields } from "../podPatch/takenFields";
import { merge, nothing, problem, warning, type Findings } from "./findings";
import type { Look } from "./look";
import { inspectChange } from "./newPod";
import { fieldsTaken, missingDeployment, noContainer } from "./sharedProblems";
import { inspectPastedSize } from "./pastedSize";

/** Finds what `delivery: authentik` would change: the outpost's JSON patch in authentik, and so its Deployment. */
export async function inspectJsonPatch(
  look: Look,
  settings: OutpostSettings,
  live: Deployment | undefined,
): Promise<Findings> {
  try {
    const outpost = await look.authentik!.readOutpost(settings.name);
    const existing = deploymentOperations(outpost.config);
    const part = ownPart(podFragment(settings));
    const composed = compose(existing, part);
    const elsewhere = inspectPlace(look, settings, outpost, live);
    if (elsewhere) return elsewhere;
    // An earlier invalid patch may have cost the outpost its Deployment. Ours brings it back.
    if (!live && !existing.some(readsOurSettings)) return missingDeployment(settings, look);
    const inAuthentik = [inspectPastedSize(settings, live, existing), patchChanges(settings.name, existing, composed)];
    if (!live) return merge(inAuthentik);
    return merge([
      await inspectVanished(look, settings, outpost, live),
      ...inAuthentik,
      inspectStrangers(settings, composed, live),
      await inspectLive(look, settings, live, part),
    ]);
  } catch (error) {
    return findingOf(error, settings.name);
  }
}

/** Stops where authentik and the cluster are not of one environment. */
function inspectPlace(
  { namespace }: Look,
  { name, deployment }: OutpostSettings,
  { pk, config }: ProxyOutpost,
  live: Deployment | undefined,
): Findings | undefined {
  const deployed = config.kubernetes_namespace;
  if (typeof deployed === "string" && deployed !== namespace)
    return problem(
      `outpost "${name}": authentik deploys it to namespace ${deployed} (kubernetes_namespace of its config), ` +
        `and the settings name ${namespace}; one stack serves one namespace`,
    );
  if (!live || belongsTo(pk, live)) return undefined;
  return problem(
    `outpost "${name}": Deployment ${deployment} in namespace ${namespace} of this cluster is that of another outpost ` +
      `than authentik's: authentikUrl and kubernetes:context must be of the same environment`,
  );
}

async function inspectVanished(
  { authentik }: Look,
  { name, deployment }: OutpostSettings,
  { pk, config }: ProxyOutpost,
  live: Deployment,
): Promise<Findings> {
  if (!hasVanished(config, live)) return nothing;
  const by = await authentik!.lastChangeBy(pk);
  return warning(
    `outpost "${name}": our part has vanished from its kubernetes_json_patches in authentik since the last update; Deployment ${deployment} ` +
      `still has it. Programs that write an outpost's config as a whole do that, such as Terraform (authentik_outpost) or a blueprint` +
      `${by === undefined ? "" : `; by authentik's event log, ${by} changed the outpost last`}. ` +
      `This update puts it back, and such a program takes it out again: docs/delivery.md, "An outpost whose config another program writes", has the ways on.`,
  );
}

function patchChanges(
  outpost: string,
  existing: readonly JsonPatchOperation[],
  { operations, adopted }: Composition,
): Findings {
  const change = describePatchChange(outpost, existing, operations);
  const taken = `outpost "${outpost}": the patch pasted by hand is taken over: ours replaces its ${adopted.join(", ")}.`;
  return merge([change ? warning(change) : nothing, adopted.length > 0 ? warning(taken) : nothing]);
}

function inspectStrangers({ name }: OutpostSettings, { operations }: Composition, live: Deployment): Findings {
  const others = strangers(operations, live);
  if (others.length === 0) return nothing;
  return warning(
    `outpost "${name}": authentik will write its Deployment at every reconcile, because the Deployment has what authentik's patch does not: ` +
      `${others.join(", ")}. Bring it by authentik too, or set \`delivery\` to deployment.`,
  );
}

/** Turns an error that says what to do into a problem of the outpost. */
export function findingOf(error: unknown, outpost: string): Findings {
  if (isAuthentikError(error)) return problem(error.message);
  if (isJsonPatchError(error)) return problem(`outpost "${outpost}": ${error.message}`);
  throw error;
}

async function inspectLive(
  look: Look,
  settings: OutpostSettings,
  live: Deployment,
  part: readonly JsonPatchOperation[],
): Promise<Findings> {
  if (!hasContainer(live, settings.container)) return noContainer(settings, live);
  const taken = takenFields(live, look.fieldManager, settings.container)
    .map(({ field, owners }) => ({ field, owners: owners.filter((owner) => owner !== authentikManager) }))
    .filter(({ owners }) => owners.length > 0);
  if (taken.length > 0) return fieldsTaken(settings, taken);
  const change = sidecarMerge(part, live)!;
  const dryRun = await look.cluster.dryRunMerge(look.namespace, settings.deployment, authentikManager, change);
  return inspectChange(look, settings, live, dryRun);
}
