import { isAuthentikError } from "../authentik/apiErrors";
import { authentikManager, belongsTo } from "../authentik/names";
import { isJsonPatchError, type JsonPatchOperation } from "../authentik/operations";
import { deploymentOperations } from "../authentik/outpostPatches";
import { describePatchChange } from "../authentik/patchChange";
import type { Deployment, PodSpecPatch } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/settings";
import {
  compose,
  ownPart,
  readsOurSettings,
  withoutOursAnyway,
  type Composition,
} from "../sidecar/jsonPatch/jsonPatch";
import { sidecarMerge, strangers } from "../sidecar/jsonPatch/liveSidecar";
import { hasVanished } from "../sidecar/jsonPatch/vanished";
import { hasContainer, takenFields, type TakenField } from "../sidecar/takenFields";
import { merge, nothing, problem, restarts, warning, type Findings } from "./findings";
import type { Look } from "./look";
import * as messages from "./messages";
import { inspectPastedSize } from "./pastedSize";
import { inspectPods } from "./pods";

/** Finds what `delivery: authentik` would change: the outpost's JSON patch in authentik, and so its Deployment. */
export async function inspectJsonPatch(
  look: Look,
  settings: OutpostSettings,
  fragment: PodSpecPatch,
  live: Deployment | undefined,
): Promise<Findings> {
  try {
    const { pk, config } = await look.authentik!.readOutpost(settings.name);
    const existing = deploymentOperations(config);
    const part = ownPart(fragment);
    const composed = compose(existing, part);
    const deployed = config.kubernetes_namespace;
    if (typeof deployed === "string" && deployed !== look.namespace)
      return problem(messages.otherNamespace(settings, look.namespace, deployed));
    // An earlier invalid patch may have cost the outpost its Deployment. Ours brings it back.
    if (!live && !existing.some(readsOurSettings))
      return problem(messages.missingDeployment(settings, look.namespace, look.known));
    if (live && !belongsTo(pk, live)) return problem(messages.otherOutpost(settings, look.namespace));
    const onCluster = live ? await inspectLive(look, settings, live, part) : nothing;
    const others = live ? strangers(composed.operations, live) : [];
    const gone = live !== undefined && hasVanished(config, live);
    return merge([
      gone ? warning(messages.vanished(settings, await look.authentik!.lastChangeBy(pk))) : nothing,
      inspectPastedSize(settings, live, existing),
      ...changes(settings, existing, composed),
      others.length > 0 ? warning(messages.writtenForOthers(settings, others)) : nothing,
      onCluster,
    ]);
  } catch (error) {
    return findingOf(error, settings.name);
  }
}

/**
 * Finds the fields of the sidecar that others own. They may move to us if they came by our own patch in authentik, and
 * otherwise stand in the way.
 */
export async function inspectTaken(
  look: Look,
  settings: OutpostSettings,
  live: Deployment,
): Promise<{ taken: TakenField[]; moving: Findings } | { refused: Findings }> {
  const taken = takenFields(live, look.fieldManager, settings.container);
  const moving = taken.length > 0 ? await inspectJsonPatchRelease(look, settings, taken) : nothing;
  if (moving) return { taken, moving };
  const refused = merge([problem(messages.takenFields(settings, taken)), inspectPastedSize(settings, live)]);
  return { refused };
}

/**
 * Finds what removing our part from the outpost's JSON patch would change.
 * @param taken fields of the sidecar that others own
 * @returns undefined if what is there is not ours
 */
export async function inspectJsonPatchRelease(
  look: Look,
  settings: OutpostSettings,
  taken: readonly TakenField[],
): Promise<Findings | undefined> {
  const byAuthentik = taken.length > 0 && taken.every(({ owners }) => owners.join() === authentikManager);
  if (!look.authentik || !byAuthentik) return undefined;
  try {
    const { config } = await look.authentik.findOutpost({ name: settings.name });
    const existing = deploymentOperations(config);
    if (!existing.some(readsOurSettings)) return undefined;
    const change = describePatchChange(settings.name, existing, withoutOursAnyway(existing));
    return change ? warning(change) : nothing;
  } catch (error) {
    return findingOf(error, settings.name);
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
  if (!hasContainer(live, settings.container)) return problem(messages.noContainer(settings, live));
  const taken = takenFields(live, look.fieldManager, settings.container)
    .map(({ field, owners }) => ({ field, owners: owners.filter((owner) => owner !== authentikManager) }))
    .filter(({ owners }) => owners.length > 0);
  if (taken.length > 0) return problem(messages.takenFields(settings, taken));
  const change = sidecarMerge(part, live)!;
  const dryRun = await look.cluster.dryRunMerge(look.namespace, settings.deployment, authentikManager, change);
  return merge([restarts(live, dryRun), inspectPods(look, settings, live)]);
}

function changes(
  settings: OutpostSettings,
  existing: readonly JsonPatchOperation[],
  { operations, adopted }: Composition,
): Findings[] {
  const change = describePatchChange(settings.name, existing, operations);
  return [
    change ? warning(change) : nothing,
    adopted.length > 0 ? warning(messages.adopted(settings, adopted)) : nothing,
  ];
}
