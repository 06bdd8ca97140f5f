import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { authentikError, isAuthentikError } from "../../authentik/apiErrors";
import type { AuthentikClient, ConfigChange, OutpostConfig } from "../../authentik/client";
import { belongsTo, outpostContainer } from "../../authentik/names";
import { unlessInvalid, type JsonPatchOperation } from "../../authentik/operations";
import {
  deploymentOperations,
  formOfNone,
  withDeploymentOperations,
  withoutDeploymentOperations,
} from "../../authentik/outpostPatches";
import { revisionLabel, settingsConfigMap } from "../../cleaner/names";
import { ownersOf } from "../../kubernetes/fieldOwners";
import type { Deployment, ManagedFieldsEntry } from "../../kubernetes/types";
import { compose, ownAdditions, withoutOursAnyway } from "../../podPatch/jsonPatch/jsonPatch";
import { hasStrays, sidecarMerge } from "../../podPatch/jsonPatch/liveSidecar";
import { asksForSidecar } from "../../podPatch/revision";
import { sidecarFields } from "../../podPatch/takenFields";
import { handedOver, released } from "./handover";
import type { OutpostDeployment } from "./outpostDeployment";
import type { OutpostJsonPatchInputs, OutpostJsonPatchState } from "./state";
import { untilApplied, untilRolledOut, type Say, type Waits } from "./waits";

/** The systems that a delivery works on, its waits, and its output. */
export interface Session {
  client: AuthentikClient;
  deployment: OutpostDeployment;
  waits: Waits;
  say: Say;
}

/** Set from the first write on, after which authentik's config may have been changed. */
export interface Progress {
  written: boolean;
}

/**
 * Brings our part into authentik's config. Some elements on the live Deployment may be in the way: authentik's merge would
 * leave them behind, or recreate the Deployment, as it does for two containers of one name. The label of delivery by admission
 * is in the way too, since its removal restarts pods. This removes them itself and brings our part in the same patch, so there
 * is one rollout. Meanwhile neither is in the config, so that authentik has nothing to do there.
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
  // authentik deletes the Deployment if the API server finds its update invalid, so this asks the API server first.
  if (merge) await deployment.merge(merge, { dryRun: true });
  if (live && merge && (hasStrays(part, live) || asksForSidecar(live))) {
    const before = (await client.findOutpost({ name, pk })).config;
    bring(before); // throws before anything is changed
    const without = await change(withoutPart);
    try {
      await deployment.merge(merge, { withoutLabel: revisionLabel });
    } catch (error) {
      await change((config) => (isDeepStrictEqual(config, without) ? before : config));
      progress.written = false;
      throw error;
    }
  }
  await change(bring);
}

/**
 * Returns a function that changes the config, and records that it may be changed. A write without an answer may have succeeded.
 */
function writer(client: AuthentikClient, which: { name: string; pk: string }, progress: Progress) {
  return async (change: ConfigChange): Promise<OutpostConfig> => {
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

/** Waits until authentik has applied our part, and takes over the fields that the other delivery had. */
export async function settle({ deployment, waits, say }: Session, state: OutpostJsonPatchState): Promise<void> {
  await untilApplied(deployment, state.operations, waits, say);
  await rewriteOwners(deployment, waits, (managed) => handedOver(managed, state.fieldManager));
}

/** Removes our part from authentik's config, and from the Deployment unless the other delivery has it there now. */
export async function takeBack(session: Session, pk: string, props: OutpostJsonPatchState): Promise<void> {
  const { client, deployment } = session;
  const live = await deployment.read();
  const removal = live && isOnlyOurs(live, pk, props) ? sidecarMerge([], live) : undefined;
  // Before authentik's config changes: authentik would try an impossible removal and recreate the Deployment.
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
    if (isPatchedBy(props.fieldManager, live)) return rewriteOwners(deployment, waits, released);
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

/** Returns undefined if the outpost was deleted in authentik, and its Deployment with it. */
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
    const hint =
      `Deployment ${namespace}/${name} is still there. If the outpost was deleted in authentik, nobody would bring that back: ` +
      `give its applications to another outpost, remove what is left of this one, and try again`;
    throw authentikError(`${error.message}. ${hint}`, { unknownOutpost: true, cause: error });
  }
}

/** Returns our part as it is in the config; none if the operations there are invalid, which the preflight reports. */
export const ownPartOf = (config: OutpostConfig): JsonPatchOperation[] =>
  unlessInvalid(
    () => ownAdditions(deploymentOperations(config)),
    () => [],
  );

/** Returns the form in which the config has no patch but ours, if so. */
export function formBefore(
  config: OutpostConfig,
  { operations }: OutpostJsonPatchInputs,
): Pick<OutpostJsonPatchState, "formOfNone"> {
  const composed = compose(deploymentOperations(config), operations);
  return withoutOursAnyway(composed.operations).length === 0 ? { formOfNone: formOfNone(withoutPart(config)) } : {};
}

/** Returns the config without our part. If nothing of others is left, it gets its earlier form. */
function withoutPart(config: OutpostConfig, form?: string): OutpostConfig {
  // Of something else in their place nothing is ours.
  const operations = unlessInvalid(
    () => deploymentOperations(config),
    () => [],
  );
  const others = withoutOursAnyway(operations);
  if (isDeepStrictEqual(others, operations)) return config;
  return others.length > 0 ? withDeploymentOperations(config, others) : withoutDeploymentOperations(config, form);
}

/**
 * Tells whether the part in the config is this resource's. The outpost may have got another Deployment, with a resource for
 * that.
 */
function isOf({ deployment }: OutpostJsonPatchState, config: OutpostConfig): boolean {
  const settings = ownPartOf(config).find(({ value }) => typeof value === "object" && value && "configMap" in value);
  const named = (settings?.value as { configMap?: { name?: string } } | undefined)?.configMap?.name;
  return named === undefined || named === settingsConfigMap(deployment);
}

export const isPatchedBy = (fieldManager: string, { metadata }: Deployment): boolean =>
  sidecarFields(outpostContainer).some(({ path }) =>
    ownersOf(path, metadata?.managedFields ?? []).includes(fieldManager),
  );

const isOnlyOurs = (live: Deployment, pk: string, { fieldManager }: OutpostJsonPatchState): boolean =>
  belongsTo(pk, live) && !isPatchedBy(fieldManager, live);

/** Retries if the Deployment changed meanwhile, as its status does all through a rollout. */
export async function rewriteOwners(
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
