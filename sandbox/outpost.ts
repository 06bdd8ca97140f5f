// A proxy outpost on a cluster, as authentik's Kubernetes integration creates it.
import type { CoreV1Api, V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { clients } from "./clients";
import {
  OUTPOST_IMAGE,
  outpostObjectName,
  referenceDeployment,
  referenceSecret,
  referenceService,
  type OutpostSpec,
} from "./outpost/reference";
import { waitUntil } from "./waitUntil";

export { OUTPOST_IMAGE, outpostObjectName, referenceDeployment, referenceSecret, referenceService, type OutpostSpec };

/** The field manager of authentik. */
export const AUTHENTIK_FIELD_MANAGER = "goauthentik.io";

/** Longest wait for an outpost to become available, or to be gone, in milliseconds. */
const TIMEOUT_MS = 60_000;

/**
 * Creates the outpost's objects as authentik does: a plain create of each, in its order, as its field manager. Creates the
 * namespace if missing. Resolves when all replicas are available, which may take `timeoutMs`. Throws the API server's error if
 * one of the objects exists.
 */
export async function createOutpost(kubeconfig: string, spec: OutpostSpec, timeoutMs = TIMEOUT_MS): Promise<void> {
  const { core, apps } = await clients(kubeconfig);
  const { namespace } = spec;
  const fieldManager = AUTHENTIK_FIELD_MANAGER;
  await ensureNamespace(core, namespace);
  await core.createNamespacedSecret({ namespace, fieldManager, body: referenceSecret(spec) });
  await apps.createNamespacedDeployment({ namespace, fieldManager, body: referenceDeployment(spec) });
  await core.createNamespacedService({ namespace, fieldManager, body: referenceService(spec) });
  await untilAvailable(kubeconfig, spec, timeoutMs);
}

/** Resolves when all replicas of the outpost's Deployment have its current template and are available, and no others are left. */
export async function untilAvailable(kubeconfig: string, spec: OutpostSpec, timeoutMs = TIMEOUT_MS): Promise<void> {
  const { apps } = await clients(kubeconfig);
  const target = { namespace: spec.namespace, name: outpostObjectName(spec) };
  const isDone = async () => isRolledOut(await apps.readNamespacedDeployment(target));
  await waitUntil(isDone, {
    what: `Deployment ${target.namespace}/${target.name} to be available`,
    timeoutMs,
  });
}

/** True if all pods of the Deployment have its current template and are available, and no others are left. */
export function isRolledOut({ metadata, spec, status = {} }: V1Deployment): boolean {
  const { observedGeneration, updatedReplicas = 0, availableReplicas = 0, replicas = 0 } = status;
  const counts = [updatedReplicas, availableReplicas, replicas];
  return observedGeneration === metadata!.generation && counts.every((count) => count === spec!.replicas);
}

/**
 * Deletes the objects of {@link createOutpost}, except the namespace, as authentik does for a deleted outpost. A missing object
 * is no error. Resolves when the pods are gone, too.
 */
export async function deleteOutpost(kubeconfig: string, spec: OutpostSpec): Promise<void> {
  const { core, apps } = await clients(kubeconfig);
  const target = { namespace: spec.namespace, name: outpostObjectName(spec) };
  await unless(404, core.deleteNamespacedSecret(target));
  await unless(404, apps.deleteNamespacedDeployment(target));
  await unless(404, core.deleteNamespacedService(target));
  await waitUntil(() => hasNoPods(core, spec), {
    what: `the pods of Deployment ${target.namespace}/${target.name} to be gone`,
    timeoutMs: TIMEOUT_MS,
  });
}

export async function ensureNamespace(core: CoreV1Api, name: string): Promise<void> {
  await unless(409, core.createNamespace({ body: { metadata: { name } } }));
}

async function hasNoPods(core: CoreV1Api, spec: OutpostSpec): Promise<boolean> {
  const labels = Object.entries(referenceDeployment(spec).spec!.selector.matchLabels!);
  const labelSelector = labels.map(([key, value]) => `${key}=${value}`).join(",");
  const pods = await core.listNamespacedPod({ namespace: spec.namespace, labelSelector });
  return pods.items.length === 0;
}

/** Awaits the call. Returns undefined if the API server answers with the error `status`. */
export async function unless<T>(status: number, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    const { ApiException } = await import("@kubernetes/client-node");
    if (!(error instanceof ApiException) || error.code !== status) throw error;
    return undefined;
  }
}
