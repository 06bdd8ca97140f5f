import { settingsConfigMap } from "../../cleaner/names";
import { belongsTo, authentikManager } from "../../authentik/names";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { ownersOf } from "../../kubernetes/fieldOwners";
import { sidecarFields } from "../../sidecar/takenFields";
import type { Deployment, ManagedFieldsEntry } from "../../kubernetes/types";
import { authentikError, isAuthentikError } from "../../authentik/apiErrors";
import type { AuthentikClient, OutpostConfig } from "../../authentik/client";
import { compose, ownAdditions, withoutOursAnyway } from "../../sidecar/jsonPatch/jsonPatch";
import { hasStrays, sidecarMerge } from "../../sidecar/jsonPatch/liveSidecar";
import { isJsonPatchError, type JsonPatchOperation } from "../../authentik/operations";
import type { OutpostDeployment } from "./outpostDeployment";
import {
  deploymentOperations,
  formOfNone,
  withDeploymentOperations,
  withoutDeploymentOperations,
} from "../../authentik/outpostPatches";
import { handedOver, released } from "./handover";
import type { OutpostJsonPatchInputs, OutpostJsonPatchState } from "./state";
import { untilApplied, untilRolledOut, type Say, type Waits } from "./rollout";

/** Whom a delivery talks to, and how it tells of it. */
export interface Session {
  client: AuthentikClient;
  deployment: OutpostDeployment;
  waits: Waits;
  say: Say;
}

/** Whether authentik's config may have been changed: set from the first write on. */
export interface Progress {
  written: boolean;
}

/**
 * Our part into authentik's config. What authentik's merge would leave behind on the live Deployment, or could not bring
 * there beside it (two containers of one name make it recreate the Deployment), this takes away itself, with our own part
 * brought in the same patch: one rollout. Meanwhile neither is in the config, so that authentik has nothing to do there.
 * @param pk the outpost's id
 */
export async function deliver(
  { client, deployment }: Session,
  pk: string,
  { outpost: name, operations: part }: OutpostJsonPatchInputs,
  progress: Progress,
): Promise<void> {
  const change = writer(client, { name, pk }, progress);
  const bring = (config: OutpostConfig) =>
    withDeploymentOperations(config, compose(deploymentOperations(config), part).operations);
  const live = await deployment.read();
  if (live && !belongsTo(pk, live))
    throw new Error(`Deployment ${deployment.name} is that of another outpost than authentik's "${name}"`);
  const merge = live && sidecarMerge(part, live);
  // An update that the API server finds invalid makes authentik delete the Deployment: it is asked before.
  if (merge) await deployment.merge(merge, { dryRun: true });
  if (live && merge && hasStrays(part, live)) {
    const before = (await client.findOutpost({ name, pk })).config;
    bring(before); // throws before anything is changed
    const without = await change(withoutPart);
    try {
      await deployment.merge(merge);
    } catch (error) {
      await change((config) => (isDeepStrictEqual(config, without) ? before : config));
      progress.written = false;
      throw error;
    }
  }
  await change(bring);
}

/** Changes the config, and notes that it may be changed: a write whose answer is lost may have been done. */
function writer(client: AuthentikClient, which: { name: string; pk: string }, progress: Progress) {
  return async (change: (config: OutpostConfig) => OutpostConfig): Promise<OutpostConfig> => {
    try {
      const config = await client.changeConfig(which, change);
      progress.written = true;
      return config;
    } catch (error) {
      progress.written ||= isAuthentikError(error) && error.transient;
      throw error;
    }
  };
}

/** Waits until authentik has applied our part, and takes the fields over that the other delivery had. */
export async function settle({ deployment, waits, say }: Session, state: OutpostJsonPatchState): Promise<void> {
  await untilApplied(deployment, state.operations, waits, say);
  await rewriteOwners(deployment, waits, (managed) => handedOver(managed, state.fieldManager, authentikManager));
}

/** Our part out of authentik's config, and off the Deployment unless the other delivery has it there now. */
export async function takeBack(session: Session, pk: string, props: OutpostJsonPatchState): Promise<void> {
  const { client, deployment } = session;
  const live = await deployment.read();
  const removal = live && isOnlyOurs(live, pk, props) ? sidecarMerge([], live) : undefined;
  // Before authentik is told: with a removal that can't be, it would try it and recreate the Deployment.
  if (removal) await deployment.merge(removal, { dryRun: true });
  const found = await unlessGone(session, props, () =>
    client.changeConfig({ name: props.outpost, pk }, (config) =>
      isOf(props, config) ? withoutPart(config, props.formOfNone) : config,
    ),
  );
  if (found) await removeFromDeployment(session, pk, props);
}

async function removeFromDeployment(
  { deployment, waits, say }: Session,
  pk: string,
  props: OutpostJsonPatchState,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const live = await deployment.read();
    if (!live || !belongsTo(pk, live)) return;
    if (isPatchedBy(props.fieldManager, live))
      return rewriteOwners(deployment, waits, (managed) => released(managed, authentikManager));
    const removal = sidecarMerge([], live);
    if (!removal) return;
    // A task of authentik that began before the config was changed may have brought it back.
    if (attempt > removalAttempts)
      throw new Error(`Deployment ${deployment.name}: somebody brings the sidecar back as often as it is removed`);
    await deployment.merge(removal);
    await untilRolledOut(deployment, waits, say);
  }
}

const removalAttempts = 3;

/** Undefined where the outpost was deleted in authentik, and its Deployment with it. */
export async function unlessGone<T>(
  { deployment }: Session,
  { namespace, deployment: name }: OutpostJsonPatchState,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!isAuthentikError(error) || !error.unknownOutpost) throw error;
    if (!(await deployment.read())) return undefined;
    const hint = `If it was deleted in authentik, delete what is left of it: kubectl -n ${namespace} delete deployment ${name}`;
    throw authentikError(`${error.message}. ${hint}`, { unknownOutpost: true, cause: error });
  }
}

/** Our part as it is in the config; none where the operations there make no sense, which the look says. */
export function ownPartOf(config: OutpostConfig): JsonPatchOperation[] {
  try {
    return ownAdditions(deploymentOperations(config));
  } catch (error) {
    if (isJsonPatchError(error)) return [];
    throw error;
  }
}

/** How the config says that there is no patch but ours, if so. */
export function formBefore(
  config: OutpostConfig,
  { operations }: OutpostJsonPatchInputs,
): Pick<OutpostJsonPatchState, "formOfNone"> {
  const composed = compose(deploymentOperations(config), operations);
  return withoutOursAnyway(composed.operations).length === 0 ? { formOfNone: formOfNone(withoutPart(config)) } : {};
}

/** The config without our part; in the form that it had before where nothing of others is left. */
function withoutPart(config: OutpostConfig, form?: string): OutpostConfig {
  const operations = readable(config);
  const others = withoutOursAnyway(operations);
  if (isDeepStrictEqual(others, operations)) return config;
  return others.length > 0 ? withDeploymentOperations(config, others) : withoutDeploymentOperations(config, form);
}

/** The operations; none where the config has something else in their place, of which nothing is ours. */
function readable(config: OutpostConfig): JsonPatchOperation[] {
  try {
    return deploymentOperations(config);
  } catch (error) {
    if (isJsonPatchError(error)) return [];
    throw error;
  }
}

/** Whether the part in the config is this resource's: the outpost may have got another Deployment, and a resource for that. */
function isOf({ deployment }: OutpostJsonPatchState, config: OutpostConfig): boolean {
  const settings = ownPartOf(config).find(({ value }) => typeof value === "object" && value && "configMap" in value);
  const named = (settings?.value as { configMap?: { name?: string } } | undefined)?.configMap?.name;
  return named === undefined || named === settingsConfigMap(deployment);
}

const isPatchedBy = (fieldManager: string, { metadata }: Deployment): boolean =>
  sidecarFields.some(({ path }) => ownersOf(path, metadata?.managedFields ?? []).includes(fieldManager));

const isOnlyOurs = (live: Deployment, pk: string, { fieldManager }: OutpostJsonPatchState): boolean =>
  belongsTo(pk, live) && !isPatchedBy(fieldManager, live);

/** Tries again where the Deployment changed meanwhile, as its status does all through a rollout. */
async function rewriteOwners(
  deployment: OutpostDeployment,
  { pauseMs }: Waits,
  change: (managedFields: ManagedFieldsEntry[]) => ManagedFieldsEntry[],
): Promise<void> {
  for (let attempt = 1; attempt <= ownerAttempts; attempt += 1) {
    const live = await deployment.read();
    const managed = live?.metadata?.managedFields ?? [];
    const wanted = change(managed);
    if (!live || isDeepStrictEqual(wanted, managed) || (await deployment.writeOwners(live, wanted))) return;
    await sleep(pauseMs);
  }
  throw new Error(`Deployment ${deployment.name} changes too often for its fields to be handed over; try again`);
}

const ownerAttempts = 60;
