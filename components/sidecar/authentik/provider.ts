// What the dynamic resource OutpostJsonPatch does. Pulumi serialises it with all that it reaches, and runs it in a process of
// its own: no Pulumi in it, no class fields with initialisers, ESM packages by import() where they are used.
import { isDeepStrictEqual } from "node:util";
import type { dynamic } from "@pulumi/pulumi";
import { connection } from "../../cluster/connection";
import { ownersOf } from "../../cluster/fieldOwners";
import { authentikManager, sidecarFields } from "../../cluster/takenFields";
import type { Deployment, ManagedFieldsEntry } from "../../kubernetesTypes";
import { messageOnly } from "../../messageOnly";
import { settingsConfigMap } from "../podFragment";
import { authentikError, isAuthentikError } from "./apiErrors";
import { authentikClient, type AuthentikClient, type OutpostConfig } from "./client";
import { compose, ownAdditions, withoutOurs } from "./jsonPatch";
import { hasStrays, sidecarMerge } from "./liveSidecar";
import type { JsonPatchOperation } from "./operations";
import { outpostDeployment, type OutpostDeployment } from "./outpostDeployment";
import {
  deploymentOperations,
  formOfNone,
  withDeploymentOperations,
  withoutDeploymentOperations,
} from "./outpostPatches";
import { handedOver, released } from "./ownership";
import { defaultWaits, untilApplied, untilRolledOut, type Waits } from "./rollout";

/** Inputs of OutpostJsonPatch. The token and the cluster come from the stack's config, so that no resource has them in its state. */
export interface OutpostJsonPatchInputs {
  /** Base URL of authentik, without trailing slash. */
  authentikUrl: string;
  /** The outpost's name in authentik. */
  outpost: string;
  namespace: string;
  deployment: string;
  /** Who patches the Deployment with `delivery: deployment`: what it owns is handed over, and back. */
  fieldManager: string;
  /** Our part of the outpost's JSON patch as one addition each, in whatever form it stands among others'. */
  operations: JsonPatchOperation[];
}

export interface OutpostJsonPatchState extends OutpostJsonPatchInputs {
  /** How the config said that there was no patch before ours; undefined where there was one. */
  formOfNone?: string;
}

type Provider = Required<
  Omit<dynamic.ResourceProvider<OutpostJsonPatchInputs, OutpostJsonPatchState>, "check" | "configure">
> &
  Pick<dynamic.ResourceProvider, "configure">;

/** Whom the provider talks to, and how it tells of it. */
interface Session {
  client: AuthentikClient;
  deployment: OutpostDeployment;
  waits: Waits;
}

export function outpostJsonPatchProvider(waits: Waits = defaultWaits): Provider {
  const configured: { get?: (key: string) => string | undefined } = {};
  const open = ({ authentikUrl: url, namespace, deployment }: OutpostJsonPatchInputs): Session => {
    const token = configured.get?.("authentik-outpost-shm:authentikToken");
    if (!token)
      throw authentikError(
        "authentikToken is not set, and the outpost's patch is in authentik: set it with: pulumi config set --secret authentikToken",
      );
    const kubeconfig = configured.get?.("kubernetes:kubeconfig");
    const call = connection({ kubeconfig, context: configured.get?.("kubernetes:context") });
    return {
      client: authentikClient({ url, token }),
      deployment: outpostDeployment(call, namespace, deployment),
      waits,
    };
  };
  return {
    configure: ({ config }) => {
      configured.get = (key) => config.get(key);
      return Promise.resolve();
    },
    diff: (_id, olds, news) => Promise.resolve(diff(olds, news)),
    create: (inputs) => told(() => create(open(inputs), inputs)),
    read: (id, props) => told(() => read(open(props!), id, props!)),
    update: (id, olds, news) => told(() => update(open(news), id, olds, news)),
    delete: (_id, props) => told(() => remove(open(props), props)),
  };
}

/** The host prints the stack of an error beside its message; the operator needs the message alone. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw messageOnly(error as Error);
  }
}

const removalAttempts = 3;

/** Progress goes where the host's output goes: beside the resource that is waited for. */
const say = (line: string): void => console.log(line);

function diff(olds: OutpostJsonPatchState, news: OutpostJsonPatchInputs): dynamic.DiffResult {
  const differs = (key: keyof OutpostJsonPatchInputs) => !isDeepStrictEqual(olds[key], news[key]);
  const replaces = (["outpost", "namespace"] as const).filter(differs);
  const changes = replaces.length > 0 || (["authentikUrl", "fieldManager", "operations"] as const).some(differs);
  return { changes, replaces, deleteBeforeReplace: true };
}

async function create(session: Session, inputs: OutpostJsonPatchInputs) {
  const { pk, config } = await session.client.readOutpost(inputs.outpost);
  const { operations } = compose(deploymentOperations(config), inputs.operations);
  const othersHadNone = withoutOurs(operations).length === 0;
  const state: OutpostJsonPatchState = {
    ...inputs,
    ...(othersHadNone && { formOfNone: formOfNone(withoutPart(config)) }),
  };
  await deliver(session, inputs);
  await settled(session, pk, state);
  return { id: pk, outs: state };
}

async function update(session: Session, id: string, olds: OutpostJsonPatchState, news: OutpostJsonPatchInputs) {
  const state: OutpostJsonPatchState = {
    ...news,
    ...(olds.formOfNone !== undefined && { formOfNone: olds.formOfNone }),
  };
  await deliver(session, news);
  await settled(session, id, state);
  return { outs: state };
}

async function read(session: Session, id: string, props: OutpostJsonPatchState) {
  try {
    const { config } = await session.client.readOutpost(props.outpost);
    const found = { ...props, operations: ownAdditions(deploymentOperations(config)) };
    // As inputs too, or a preview's diff would not show what was edited in authentik.
    return { id, props: found, inputs: inputsOf(found) };
  } catch (error) {
    if (await isGone(session, error)) return {};
    throw error;
  }
}

function inputsOf(state: OutpostJsonPatchState): OutpostJsonPatchInputs {
  const { authentikUrl, outpost, namespace, deployment, fieldManager, operations } = state;
  return { authentikUrl, outpost, namespace, deployment, fieldManager, operations };
}

/** Whether the outpost was deleted in authentik, and its Deployment with it. */
async function isGone({ deployment }: Session, error: unknown): Promise<boolean> {
  return isAuthentikError(error) && error.unknownOutpost && (await deployment.read()) === undefined;
}

/**
 * Our part into authentik's config. What authentik's merge would leave behind on the live Deployment, or could not bring
 * there beside it (two containers of one name make it recreate the Deployment), this takes away itself, with our own part
 * brought in the same patch: one rollout. Meanwhile neither is in the config, so that authentik has nothing to do there.
 */
async function deliver({ client, deployment }: Session, { outpost, operations: part }: OutpostJsonPatchInputs) {
  const bring = (config: OutpostConfig) =>
    withDeploymentOperations(config, compose(deploymentOperations(config), part).operations);
  const live = await deployment.read();
  const merge = live && sidecarMerge(part, live);
  // An update that the API server finds invalid makes authentik delete the Deployment: it is asked before.
  if (merge) await deployment.merge(merge, { dryRun: true });
  if (live && merge && hasStrays(part, live)) {
    const before = (await client.readOutpost(outpost)).config;
    bring(before); // throws before anything is changed
    const without = await client.changeConfig(outpost, withoutPart);
    try {
      await deployment.merge(merge);
    } catch (error) {
      await client.changeConfig(outpost, (config) => (isDeepStrictEqual(config, without) ? before : config));
      throw error;
    }
  }
  await client.changeConfig(outpost, bring);
}

/** Waits for the rollout and takes the fields over; the resource is there by then, so that a failure leaves it to be mended. */
async function settled({ deployment, waits }: Session, id: string, state: OutpostJsonPatchState): Promise<void> {
  try {
    await untilApplied(deployment, state.operations, waits, say);
    await rewriteOwners(deployment, (managed) => handedOver(managed, state.fieldManager, authentikManager));
    await untilRolledOut(deployment, waits, say);
  } catch (error) {
    const { message } = error as Error;
    throw Object.assign(new Error(message), { id, properties: state, reasons: [message] });
  }
}

async function remove(session: Session, props: OutpostJsonPatchState): Promise<void> {
  const { client, deployment, waits } = session;
  try {
    await client.changeConfig(props.outpost, (config) =>
      isOf(props, config) ? withoutPart(config, props.formOfNone) : config,
    );
  } catch (error) {
    if (await isGone(session, error)) return;
    throw error;
  }
  for (let attempt = 1; ; attempt += 1) {
    const live = await deployment.read();
    if (!live) return;
    if (isPatchedBy(props.fieldManager, live)) {
      // delivery: deployment has the fields now, and stays their only owner.
      await rewriteOwners(deployment, (managed) => released(managed, authentikManager));
      return;
    }
    const removal = sidecarMerge([], live);
    if (!removal) return;
    // A task of authentik that began before the config was changed may have brought it back.
    if (attempt > removalAttempts)
      throw new Error(`Deployment ${deployment.name}: somebody brings the sidecar back as often as it is removed`);
    await deployment.merge(removal);
    await untilRolledOut(deployment, waits, say);
  }
}

/** The config without our part; in the form that it had before where nothing of others is left. */
function withoutPart(config: OutpostConfig, form?: string): OutpostConfig {
  const operations = deploymentOperations(config);
  const others = withoutOurs(operations);
  if (isDeepStrictEqual(others, operations)) return config;
  return others.length > 0 ? withDeploymentOperations(config, others) : withoutDeploymentOperations(config, form);
}

/** Whether the part in the config is this resource's: the outpost may have got another Deployment, and a resource for that. */
function isOf({ deployment }: OutpostJsonPatchState, config: OutpostConfig): boolean {
  const settings = ownAdditions(deploymentOperations(config)).find(
    ({ value }) => isRecord(value) && "configMap" in value,
  );
  const named = (settings?.value as { configMap?: { name?: string } } | undefined)?.configMap?.name;
  return named === undefined || named === settingsConfigMap(deployment);
}

const isRecord = (value: unknown): value is object => typeof value === "object" && value !== null;

const isPatchedBy = (fieldManager: string, { metadata }: Deployment): boolean =>
  sidecarFields.some(({ path }) => ownersOf(path, metadata?.managedFields ?? []).includes(fieldManager));

async function rewriteOwners(
  deployment: OutpostDeployment,
  change: (managedFields: ManagedFieldsEntry[]) => ManagedFieldsEntry[],
): Promise<void> {
  for (;;) {
    const live = await deployment.read();
    const managed = live?.metadata?.managedFields ?? [];
    const wanted = change(managed);
    if (!live || isDeepStrictEqual(wanted, managed) || (await deployment.writeOwners(live, wanted))) return;
  }
}
