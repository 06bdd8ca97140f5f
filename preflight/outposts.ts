import { authentikManager, possibleNames } from "../authentik/names";
import { ownsFields } from "../kubernetes/fieldOwners";
import { unfinishedRollout } from "../kubernetes/rollout";
import type { Deployment, PodSpecPatch } from "../kubernetes/types";
import { hasCronJob, hasSidecar, type OutpostSettings } from "../settings/settings";
import { sidecarMerge } from "../sidecar/jsonPatch/liveSidecar";
import { podFragment } from "../sidecar/podFragment";
import { hasContainer, takenFields } from "../sidecar/takenFields";
import { inspectAdmission } from "./admission";
import { merge, nothing, problem, restarts, warning, type Findings } from "./findings";
import { inspectJsonPatch, inspectJsonPatchRelease, inspectTaken } from "./jsonPatches";
import { deploymentNamed, lookAround, type Look, type Places } from "./look";
import * as messages from "./messages";
import { inspectPods } from "./pods";
import { inspectSessions } from "./sessions";
import { inspectTokenValidity } from "./tokenValidity";

/** Looks at every outpost's Deployment, and at those that an earlier update patched and the settings no longer name. */
export async function inspectOutposts(places: Places, outposts: OutpostSettings[]): Promise<Findings> {
  const look = await lookAround(places);
  const named = new Set(outposts.flatMap(possibleNames));
  const dropped = (look.deployments ?? []).filter((live) => !named.has(live.metadata?.name ?? ""));
  const { problems, ...found } = merge(
    await Promise.all([
      ...outposts.map((outpost) => inspectOutpost(look, outpost)),
      ...dropped.map((live) => inspectRelease(look, live)),
    ]),
  );
  // A problem of authentik as a whole comes up with each of its outposts.
  return { problems: [...new Set(problems)], ...found };
}

async function inspectOutpost(look: Look, given: OutpostSettings): Promise<Findings> {
  const { settings, live } = await liveOf(look, given);
  const found = merge([
    inspectSessions(settings, live),
    await inspectSolution(look, settings, live),
    await inspectTokenValidity(look, settings, live),
  ]);
  const { name, deployment } = settings;
  if (deployment === given.deployment) return found;
  return merge([warning(messages.formerName(settings)), found, { ...nothing, formerNames: [{ name, deployment }] }]);
}

/** Finds the outpost's Deployment under any of its possible names. The settings returned have the name that it bears. */
async function liveOf(look: Look, given: OutpostSettings): Promise<{ settings: OutpostSettings; live?: Deployment }> {
  for (const deployment of possibleNames(given)) {
    const live = await deploymentNamed(look, deployment);
    if (live) return { settings: { ...given, deployment }, live };
  }
  return { settings: given };
}

async function inspectSolution(look: Look, settings: OutpostSettings, live: Deployment | undefined): Promise<Findings> {
  if (hasCronJob(settings) && live && !hasContainer(live, settings.container))
    return problem(messages.noContainer(settings, live));
  if (hasSidecar(settings)) {
    const found = await inspectSidecar(look, settings, podFragment(settings), live);
    return live && !unfinishedRollout(live) ? found : { ...found, underWay: [settings.deployment] };
  }
  if (!live && hasCronJob(settings)) return problem(messages.missingDeployment(settings, look.namespace, look.known));
  return live ? inspectRemoval(look, settings, live) : nothing;
}

async function inspectSidecar(
  look: Look,
  settings: OutpostSettings,
  fragment: PodSpecPatch,
  live: Deployment | undefined,
): Promise<Findings> {
  if (settings.delivery === "authentik") return inspectJsonPatch(look, settings, fragment, live);
  if (!live) return problem(messages.missingDeployment(settings, look.namespace, look.known));
  if (live.metadata?.deletionTimestamp) return problem(messages.beingDeleted(settings));
  if (!hasContainer(live, settings.container)) return problem(messages.noContainer(settings, live));
  return settings.delivery === "admission"
    ? inspectAdmission(look, settings, fragment, live)
    : inspectPatch(look, settings, fragment, live);
}

async function inspectPatch(
  look: Look,
  settings: OutpostSettings,
  fragment: PodSpecPatch,
  live: Deployment,
): Promise<Findings> {
  const fields = await inspectTaken(look, settings, live);
  if ("refused" in fields) return fields.refused;
  const dryRun = await look.cluster.dryRunApply(look.namespace, settings.deployment, look.fieldManager, {
    spec: fragment,
  });
  return merge([fields.moving, restarts(live, dryRun), inspectPods(look, settings, live)]);
}

/** Finds what removing the sidecar would change, whichever delivery brought it. */
async function inspectRemoval(look: Look, settings: OutpostSettings, live: Deployment): Promise<Findings> {
  const taken = takenFields(live, look.fieldManager, settings.container);
  const release = await inspectJsonPatchRelease(look, settings, taken);
  if (!release) return inspectRelease(look, live);
  const removal = sidecarMerge([], live);
  const dryRun =
    removal && (await look.cluster.dryRunMerge(look.namespace, settings.deployment, authentikManager, removal));
  return merge([release, dryRun ? restarts(live, dryRun) : nothing]);
}

async function inspectRelease(look: Look, live: Deployment): Promise<Findings> {
  const { name, managedFields } = live.metadata ?? {};
  if (!name || !ownsFields(look.fieldManager, managedFields ?? [])) return nothing;
  return restarts(live, await look.cluster.dryRunApply(look.namespace, name, look.fieldManager));
}
