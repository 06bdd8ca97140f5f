import type { Deployment, PodSpecPatch } from "../kubernetesTypes";
import type { OutpostSettings } from "../settings";
import { isAuthentikError } from "../sidecar/authentik/apiErrors";
import { compose, ownPart, readsOurSettings, withoutOurs, type Composition } from "../sidecar/authentik/jsonPatch";
import { sidecarMerge } from "../sidecar/authentik/liveSidecar";
import { isJsonPatchError, type JsonPatchOperation } from "../sidecar/authentik/operations";
import { deploymentOperations } from "../sidecar/authentik/outpostPatches";
import { describePatchChange } from "../sidecar/authentik/patchChange";
import { merge, nothing, problem, restarts, warning, type Findings } from "./findings";
import type { Look } from "./inspection";
import { memoryWarning } from "./memoryLimit";
import * as messages from "./messages";
import { authentikManager, hasOutpost, takenFields, type TakenField } from "./takenFields";

/** What `delivery: authentik` would change: the outpost's JSON patch in authentik, and so its Deployment. */
export async function inspectJsonPatch(
  look: Look,
  settings: OutpostSettings,
  fragment: PodSpecPatch,
  live: Deployment | undefined,
): Promise<Findings> {
  const part = ownPart(fragment);
  const existing = await operationsOf(look, settings);
  if (!Array.isArray(existing)) return existing;
  const composed = tryCompose(settings, existing, part);
  if ("problems" in composed) return composed;
  // An invalid patch of before may have cost the outpost its Deployment; ours brings it back.
  if (!live && !existing.some(readsOurSettings))
    return problem(messages.missingDeployment(settings, look.namespace, look.known));
  const onCluster = live ? await inspectLive(look, settings, live, part) : nothing;
  return merge([...changes(settings, existing, composed), onCluster]);
}

/**
 * What taking our part out of the outpost's JSON patch would change.
 * @param taken fields of the sidecar that others own
 * @returns undefined where it is not ours that is there
 */
export async function inspectJsonPatchRelease(
  look: Look,
  settings: OutpostSettings,
  taken: readonly TakenField[],
): Promise<Findings | undefined> {
  const byAuthentik = taken.length > 0 && taken.every(({ owners }) => owners.join() === authentikManager);
  if (!look.authentik || !byAuthentik) return undefined;
  const existing = await operationsOf(look, settings);
  if (!Array.isArray(existing)) return existing;
  if (!existing.some(readsOurSettings)) return undefined;
  const change = describePatchChange(settings.name, existing, withoutOurs(existing));
  return change ? warning(change) : nothing;
}

/** The outpost's operations in authentik, or why there are none to be had. */
async function operationsOf({ authentik }: Look, { name }: OutpostSettings): Promise<JsonPatchOperation[] | Findings> {
  try {
    const { config } = await authentik!.readOutpost(name);
    return deploymentOperations(config);
  } catch (error) {
    return findingOf(error, name);
  }
}

function tryCompose(
  { name }: OutpostSettings,
  existing: readonly JsonPatchOperation[],
  part: readonly JsonPatchOperation[],
): Composition | Findings {
  try {
    return compose(existing, part);
  } catch (error) {
    return findingOf(error, name);
  }
}

function findingOf(error: unknown, outpost: string): Findings {
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
  if (!hasOutpost(live)) return problem(messages.noProxyContainer(settings, live));
  const strangers = takenFields(live, look.fieldManager)
    .map(({ field, owners }) => ({ field, owners: owners.filter((owner) => owner !== authentikManager) }))
    .filter(({ owners }) => owners.length > 0);
  if (strangers.length > 0) return problem(messages.takenFields(settings, look.namespace, strangers));
  const change = sidecarMerge(part, live)!;
  const dryRun = await look.api.dryRunMerge(look.namespace, settings.deployment, authentikManager, change);
  return merge([restarts(live, dryRun), { problems: [], warnings: memoryWarning(settings, live) }]);
}

function changes(
  settings: OutpostSettings,
  existing: readonly JsonPatchOperation[],
  { operations, adopted, rewritten }: Composition,
): Findings[] {
  const change = describePatchChange(settings.name, existing, operations);
  return [
    change ? warning(change) : nothing,
    adopted.length > 0 ? warning(messages.adopted(settings, adopted)) : nothing,
    rewritten ? warning(messages.rewritten(settings)) : nothing,
  ];
}
