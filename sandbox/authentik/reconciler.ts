// authentik's task that brings an outpost's Deployment to its wanted state.
// Source: outpost_controller of authentik/outposts/tasks.py, up() of controllers/k8s/base.py.
import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Clients } from "../clients";
import { AUTHENTIK_FIELD_MANAGER as fieldManager, unless } from "../outpost";
import {
  outpostObjectName,
  referenceDeployment,
  referenceSecret,
  referenceService,
  type OutpostSpec,
} from "../outpost/reference";
import { applyPatch, decide } from "./decision";
import { isRecord, type OutpostConfig, type RawOperation } from "./outpostConfig";
import type { Outpost } from "./outposts";

/** Number of writes to an outpost's Deployment, by kind. */
export interface Writes {
  created: number;
  patched: number;
  /** A deletion and the creation after it count once. */
  recreated: number;
}

/** Record of what the reconciler has done for an outpost. */
export interface DeploymentRecord {
  writes: Writes;
  /** Error of the last reconcile, as authentik logs it; undefined if it succeeded. */
  lastError?: string;
}

/** Settings of which the stand-in supports only the default. */
const fixedSettings = ["object_naming_template", "kubernetes_image_pull_secrets"] as const;

/**
 * Reconciles once. An error is kept in the record, as for a background task that nobody waits for.
 * @param defaults for keys that the outpost's config lacks
 */
export async function reconcile(
  outpost: Outpost,
  api: Clients,
  record: DeploymentRecord,
  defaults: OutpostConfig,
): Promise<void> {
  record.lastError = undefined;
  if (!isDeployed(outpost)) return;
  const config = { ...defaults, ...outpost.config };
  try {
    await up(specOf(outpost.name, config, defaults), config, api, record);
  } catch (error) {
    record.lastError = error instanceof Error ? error.message : String(error);
  }
}

/** Tells whether authentik deploys this outpost. It would deploy types other than proxy, too, which the stand-in doesn't play. */
function isDeployed({ type, managed, serviceConnection }: Outpost): boolean {
  return type === "proxy" && managed === null && serviceConnection?.kind === "kubernetes";
}

function specOf(name: string, config: OutpostConfig, defaults: OutpostConfig): OutpostSpec {
  const changed = fixedSettings.find((key) => String(config[key]) !== String(defaults[key]));
  if (changed) throw new Error(`the stand-in of authentik knows only the default of ${changed}`);
  return {
    namespace: config.kubernetes_namespace,
    name,
    replicas: config.kubernetes_replicas,
    ...(config.container_image !== null && { image: config.container_image }),
  };
}

/** Brings up each object in authentik's order. The first error ends it. Unlike authentik, it never changes Secret or Service. */
async function up(spec: OutpostSpec, config: OutpostConfig, api: Clients, record: DeploymentRecord): Promise<void> {
  const { namespace } = spec;
  const isEnabled = (component: string) => !config.kubernetes_disabled_components.includes(component);
  const secret = { namespace, fieldManager, body: referenceSecret(spec) };
  if (isEnabled("secret")) await unless(409, api.core.createNamespacedSecret(secret));
  const operations = config.kubernetes_json_patches?.deployment ?? [];
  if (isEnabled("deployment")) await upDeployment(spec, operations, api, record);
  const service = { namespace, fieldManager, body: referenceService(spec) };
  if (isEnabled("service")) await unless(409, api.core.createNamespacedService(service));
}

async function upDeployment(
  spec: OutpostSpec,
  operations: readonly RawOperation[],
  { apps, strategicMerge }: Clients,
  { writes }: DeploymentRecord,
): Promise<void> {
  const target = { namespace: spec.namespace, name: outpostObjectName(spec) };
  const reference = { namespace: spec.namespace, fieldManager, body: patchedReference(spec, operations) };
  const live = await unless(404, apps.readNamespacedDeployment(target));
  if (!live) {
    await apps.createNamespacedDeployment(reference);
    writes.created++;
    return;
  }
  const decision = decide(plain(live), reference.body, operations);
  if (decision === "nothing") return;
  if (decision === "patch") {
    const patch = { ...target, ...reference };
    if (await unless(422, apps.patchNamespacedDeployment(patch, strategicMerge))) {
      writes.patched++;
      return;
    }
  }
  // authentik also recreates a Deployment that the API server would find invalid (422).
  await apps.deleteNamespacedDeployment(target);
  writes.recreated++;
  await apps.createNamespacedDeployment(reference);
}

/** Returns the client's object as plain JSON. */
const plain = (live: V1Deployment): V1Deployment => JSON.parse(JSON.stringify(live)) as V1Deployment;

/** Applies the outpost's JSON patch to authentik's Deployment, and drops nulls that it sets, as authentik's typed client does. */
function patchedReference(spec: OutpostSpec, operations: readonly RawOperation[]): V1Deployment {
  return withoutNulls(applyPatch(referenceDeployment(spec), operations));
}

function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutNulls) as T;
  if (!isRecord(value)) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member)])) as T;
}
