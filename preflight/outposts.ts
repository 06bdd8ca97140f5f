import type { Deployment, PodSpecPatch } from "../kubernetes/types";
import { unfinishedRollout } from "../kubernetes/rollout";
import type { OutpostSettings } from "../settings/settings";
import type { AuthentikClient } from "../authentik/client";
import { sidecarMerge } from "../sidecar/jsonPatch/liveSidecar";
import type { DeploymentApi } from "../kubernetes/deployments";
import { ownsFields } from "../kubernetes/fieldOwners";
import { merge, nothing, problem, restarts, type Findings } from "./findings";
import { inspectJsonPatch, inspectJsonPatchRelease } from "./jsonPatches";
import { memoryWarning } from "../sidecar/memoryLimit";
import * as messages from "./messages";
import { authentikManager, hasOutpost, takenFields } from "../sidecar/takenFields";

export type { Findings } from "./findings";

/** An outpost as the settings want it. */
export interface WantedOutpost {
  settings: OutpostSettings;
  /** The pod spec to bring, by the outpost's delivery; undefined where it gets no sidecar. */
  podFragment?: PodSpecPatch;
}

/** What is looked at, and as whom. */
export interface Places {
  api: DeploymentApi;
  /** Only where the settings give access to authentik. */
  authentik?: Pick<AuthentikClient, "readOutpost" | "findOutpost">;
  namespace: string;
  /** Who patches Deployments with `delivery: deployment`. */
  fieldManager: string;
}

/** One look. */
export interface Look extends Places {
  /** Deployments of proxy outposts in the namespace. */
  known: Deployment[];
}

/** Looks at every outpost's Deployment, and at those that a former update patched and the settings no longer name. */
export async function inspect(places: Places, outposts: WantedOutpost[]): Promise<Findings> {
  const look: Look = { ...places, known: await listOrNone(places) };
  const named = new Set(outposts.map(({ settings }) => settings.deployment));
  const dropped = look.known.filter((live) => !named.has(live.metadata?.name ?? ""));
  const { problems, ...found } = merge(
    await Promise.all([
      ...outposts.map((outpost) => inspectOutpost(look, outpost)),
      ...dropped.map((live) => inspectRelease(look, live)),
    ]),
  );
  // What is wrong with authentik as a whole comes with each of its outposts.
  return { problems: [...new Set(problems)], ...found };
}

async function inspectOutpost(look: Look, { settings, podFragment }: WantedOutpost): Promise<Findings> {
  const live = await look.api.read(look.namespace, settings.deployment);
  if (!podFragment) return live ? inspectRemoval(look, settings, live) : nothing;
  const found = await inspectSidecar(look, settings, podFragment, live);
  return live && !unfinishedRollout(live) ? found : { ...found, underWay: [settings.deployment] };
}

async function inspectSidecar(
  look: Look,
  settings: OutpostSettings,
  podFragment: PodSpecPatch,
  live: Deployment | undefined,
): Promise<Findings> {
  if (settings.delivery === "authentik") return inspectJsonPatch(look, settings, podFragment, live);
  if (!live) return problem(messages.missingDeployment(settings, look.namespace, look.known));
  return inspectPatch(look, settings, podFragment, live);
}

async function inspectPatch(
  look: Look,
  settings: OutpostSettings,
  fragment: PodSpecPatch,
  live: Deployment,
): Promise<Findings> {
  if (!hasOutpost(live)) return problem(messages.noProxyContainer(settings, live));
  const taken = takenFields(live, look.fieldManager);
  const moving = taken.length > 0 ? await inspectJsonPatchRelease(look, settings, taken) : nothing;
  if (!moving) return problem(messages.takenFields(settings, look.namespace, taken));
  const dryRun = await look.api.dryRunApply(look.namespace, settings.deployment, look.fieldManager, fragment);
  if (taken.length > 0 && dryRun.outcome === "invalid") return problem(messages.twoSteps(settings, dryRun.reason));
  return merge([moving, restarts(live, dryRun), { problems: [], warnings: memoryWarning(settings, live) }]);
}

/** What was brought by either delivery goes. */
async function inspectRemoval(look: Look, settings: OutpostSettings, live: Deployment): Promise<Findings> {
  const taken = takenFields(live, look.fieldManager);
  const release = await inspectJsonPatchRelease(look, settings, taken);
  if (!release) return inspectRelease(look, live);
  const removal = sidecarMerge([], live);
  const dryRun =
    removal && (await look.api.dryRunMerge(look.namespace, settings.deployment, authentikManager, removal));
  return merge([release, dryRun ? restarts(live, dryRun) : nothing]);
}

async function inspectRelease(look: Look, live: Deployment): Promise<Findings> {
  const { name, managedFields } = live.metadata ?? {};
  if (!name || !ownsFields(look.fieldManager, managedFields ?? [])) return nothing;
  return restarts(live, await look.api.dryRunApply(look.namespace, name, look.fieldManager));
}

/** The list only enriches messages, so a role that may not list costs nothing else. */
async function listOrNone({ api, namespace }: Places): Promise<Deployment[]> {
  return api.listOutposts(namespace).catch(() => []);
}
