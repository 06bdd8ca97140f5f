import { isDeepStrictEqual } from "node:util";
import type { Deployment, PodSpecPatch } from "../kubernetesTypes";
import type { OutpostSettings } from "../settings";
import { outpostContainer } from "../sidecar/podFragment";
import type { DeploymentApi, DryRun } from "./deploymentApi";
import { ownsFields } from "./fieldOwners";
import { memoryWarning } from "./memoryLimit";
import * as messages from "./messages";
import { takenFields } from "./takenFields";

/** What a look at the cluster found, before anything is changed. */
export interface Findings {
  /** Reasons not to go on. */
  problems: string[];
  /** What the operator should know before saying yes: pods that restart, memory that won't do. */
  warnings: string[];
}

/** An outpost as the settings want it. */
export interface WantedOutpost {
  settings: OutpostSettings;
  /** The pod spec to apply; undefined where the outpost gets no sidecar by this way. */
  podFragment?: PodSpecPatch;
}

/** Where one look happens, and as whom. */
interface Look {
  api: DeploymentApi;
  namespace: string;
  fieldManager: string;
  /** Deployments of proxy outposts in the namespace. */
  known: Deployment[];
}

/** Looks at every outpost's Deployment, and at those that a former update patched and the settings no longer name. */
export async function inspect(
  api: DeploymentApi,
  namespace: string,
  fieldManager: string,
  outposts: WantedOutpost[],
): Promise<Findings> {
  const look: Look = { api, namespace, fieldManager, known: await listOrNone(api, namespace) };
  const named = new Set(outposts.map(({ settings }) => settings.deployment));
  const dropped = look.known.filter((live) => !named.has(live.metadata?.name ?? ""));
  return merge(
    await Promise.all([
      ...outposts.map((outpost) => inspectOutpost(look, outpost)),
      ...dropped.map((live) => inspectRelease(look, live)),
    ]),
  );
}

async function inspectOutpost(look: Look, { settings, podFragment }: WantedOutpost): Promise<Findings> {
  const live = await look.api.read(look.namespace, settings.deployment);
  if (!podFragment) return live ? inspectRelease(look, live) : nothing;
  if (!live) return problem(messages.missingDeployment(settings, look.namespace, look.known));
  return inspectPatch(look, settings, podFragment, live);
}

async function inspectPatch(
  look: Look,
  settings: OutpostSettings,
  fragment: PodSpecPatch,
  live: Deployment,
): Promise<Findings> {
  const containers = live.spec?.template.spec?.containers ?? [];
  if (!containers.some(({ name }) => name === outpostContainer))
    return problem(messages.noProxyContainer(settings, live));
  const taken = takenFields(live, look.fieldManager);
  if (taken.length > 0) return problem(messages.takenFields(settings, look.namespace, taken));
  const dryRun = await look.api.dryRunApply(look.namespace, settings.deployment, look.fieldManager, fragment);
  return merge([restarts(live, dryRun), { problems: [], warnings: memoryWarning(settings, live) }]);
}

async function inspectRelease(look: Look, live: Deployment): Promise<Findings> {
  const { name, managedFields } = live.metadata ?? {};
  if (!name || !ownsFields(look.fieldManager, managedFields ?? [])) return nothing;
  return restarts(live, await look.api.dryRunApply(look.namespace, name, look.fieldManager));
}

function restarts(live: Deployment, dryRun: DryRun): Findings {
  switch (dryRun.outcome) {
    case "invalid":
      return problem(messages.invalid(live, dryRun.reason));
    case "forbidden":
      return warning(messages.unknownRestart(live, dryRun.reason));
    case "applied":
      return isDeepStrictEqual(live.spec?.template, dryRun.deployment.spec?.template)
        ? nothing
        : warning(messages.restart(live));
  }
}

/** The list only enriches messages, so a role that may not list costs nothing else. */
async function listOrNone(api: DeploymentApi, namespace: string): Promise<Deployment[]> {
  return api.listOutposts(namespace).catch(() => []);
}

const nothing: Findings = { problems: [], warnings: [] };
const problem = (text: string): Findings => ({ problems: [text], warnings: [] });
const warning = (text: string): Findings => ({ problems: [], warnings: [text] });

const merge = (all: Findings[]): Findings => ({
  problems: all.flatMap(({ problems }) => problems),
  warnings: all.flatMap(({ warnings }) => warnings),
});
