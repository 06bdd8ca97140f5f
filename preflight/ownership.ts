import { isDeepStrictEqual } from "node:util";
import { authentikManager } from "../authentik/names";
import { deploymentOperations } from "../authentik/outpostPatches";
import { describePatchChange } from "../authentik/patchDiff";
import { settingsConfigMap } from "../cleaner/names";
import { ifForbidden } from "../kubernetes/connection";
import { ownsFields } from "../kubernetes/fieldOwners";
import type { Deployment } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/types";
import { readsOurSettings, withoutOursAnyway } from "../podPatch/jsonPatch/jsonPatch";
import { sidecarMerge } from "../podPatch/jsonPatch/liveSidecar";
import { isByAuthentik } from "../podPatch/jsonPatch/vanished";
import { takenFields, type TakenField } from "../podPatch/takenFields";
import { merge, nothing, removal, restarts, warning, type Findings } from "./findings";
import { findingOf } from "./jsonPatches";
import type { Look } from "./look";
import { fieldsTaken } from "./sharedProblems";
import { inspectPastedSize } from "./pastedSize";

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
  const moving = taken.length > 0 ? await inspectJsonPatchRelease(look, settings, live, taken) : nothing;
  if (moving) return { taken, moving };
  return { refused: merge([fieldsTaken(settings, taken), inspectPastedSize(settings, live)]) };
}

/**
 * Finds what removing our part from the outpost's JSON patch would change.
 * @param taken fields of the sidecar that others own
 * @returns undefined if what is there is not ours
 */
async function inspectJsonPatchRelease(
  look: Look,
  settings: OutpostSettings,
  live: Deployment,
  taken: readonly TakenField[],
): Promise<Findings | undefined> {
  const byAuthentik = taken.length > 0 && taken.every(({ owners }) => owners.join() === authentikManager);
  if (!look.authentik || !byAuthentik) return undefined;
  try {
    const { config } = await look.authentik.findOutpost({ name: settings.name });
    const existing = deploymentOperations(config);
    const without = withoutOursAnyway(existing);
    // Somebody may have written the config without our part, which then stays on the Deployment.
    if (isDeepStrictEqual(existing, without)) return (await isLeftOfOurs(look, live)) ? nothing : undefined;
    if (!existing.some(readsOurSettings)) return undefined;
    const change = describePatchChange(settings.name, existing, without);
    return change ? warning(change) : nothing;
  } catch (error) {
    return findingOf(error, settings.name);
  }
}

/** Finds what removing the sidecar would change, whichever delivery brought it. */
export async function inspectRemoval(look: Look, settings: OutpostSettings, live: Deployment): Promise<Findings> {
  const taken = takenFields(live, look.fieldManager, settings.container);
  const release = await inspectJsonPatchRelease(look, settings, live, taken);
  if (!release) return inspectRelease(look, live);
  return merge([release, await inspectMerge(look, live)]);
}

/** Finds what giving up a Deployment would change. One that has the sidecar by authentik is ours if its settings are. */
export async function inspectRelease(look: Look, live: Deployment): Promise<Findings> {
  const { cluster, namespace, fieldManager } = look;
  const { name = "", managedFields = [] } = live.metadata ?? {};
  if (ownsFields(fieldManager, managedFields))
    return restarts(live, await cluster.dryRunApply(namespace, name, fieldManager), removal);
  return (await isLeftOfOurs(look, live)) ? inspectMerge(look, live) : nothing;
}

/** Tells whether authentik has put this stack's sidecar on the Deployment. */
async function isLeftOfOurs({ cluster, namespace, fieldManager }: Look, live: Deployment): Promise<boolean> {
  if (!isByAuthentik(live)) return false;
  const name = settingsConfigMap(live.metadata?.name ?? "");
  const settings = await cluster.configMap(namespace, name).catch(ifForbidden(undefined));
  return ownsFields(fieldManager, settings?.metadata?.managedFields ?? []);
}

/** Finds what it would change to take our part out of the Deployment in authentik's name. */
async function inspectMerge({ cluster, namespace }: Look, live: Deployment): Promise<Findings> {
  const merged = sidecarMerge([], live);
  if (!merged) return nothing;
  const { name = "" } = live.metadata ?? {};
  return restarts(live, await cluster.dryRunMerge(namespace, name, authentikManager, merged), removal);
}
