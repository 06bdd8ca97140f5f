// authentik's task that brings an outpost's Deployment to its wanted state.
// Source: outpost_controller of authentik/outposts/tasks.py, up() of controllers/k8s/base.py.
import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { outpostObjectName, referenceDeployment, type OutpostSpec } from "../outpost/reference";
import { decide } from "./decision";
import { applyPatch } from "./jsonPatch";
import type { KubernetesObjects } from "./kubernetesObjects";
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
  objects: KubernetesObjects,
  record: DeploymentRecord,
  defaults: OutpostConfig,
): Promise<void> {
  record.lastError = undefined;
  if (!isDeployed(outpost)) return;
  const config = { ...defaults, ...outpost.config };
  try {
    await up(specOf(outpost.name, config, defaults), config, objects, record);
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

/** Brings up each object in authentik's order. The first error ends it. */
async function up(
  spec: OutpostSpec,
  config: OutpostConfig,
  objects: KubernetesObjects,
  record: DeploymentRecord,
): Promise<void> {
  const isEnabled = (component: string) => !config.kubernetes_disabled_components.includes(component);
  if (isEnabled("secret")) await objects.ensureSecret(spec);
  const operations = config.kubernetes_json_patches?.deployment ?? [];
  if (isEnabled("deployment")) await upDeployment(spec, operations, objects, record);
  if (isEnabled("service")) await objects.ensureService(spec);
}

async function upDeployment(
  spec: OutpostSpec,
  operations: readonly RawOperation[],
  objects: KubernetesObjects,
  record: DeploymentRecord,
): Promise<void> {
  const { namespace } = spec;
  const { writes } = record;
  const name = outpostObjectName(spec);
  const reference = patchedReference(spec, operations);
  const live = await objects.readDeployment(namespace, name);
  if (!live) {
    await objects.createDeployment(namespace, reference);
    writes.created++;
    return;
  }
  const decision = decide(live, reference, operations);
  // authentik recreates a Deployment that the API server would find invalid.
  if (decision === "patch" && (await objects.patchDeployment(namespace, name, reference))) writes.patched++;
  else if (decision !== "nothing") {
    await objects.deleteDeployment(namespace, name);
    writes.recreated++;
    await objects.createDeployment(namespace, reference);
  }
}

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
