// Looks at an outpost and its pods, and changes of them by hand, as by an operator or another controller.
import type { V1Deployment, V1Pod, V1PodSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { selectorOf } from "../../../kubernetes/podsOfDeployment";
import { clients } from "../../../sandbox/clients";
import { isRolledOut, outpostObjectName } from "../../../sandbox/outpost";
import { waitUntil } from "../../../sandbox/waitUntil";
import type { Scenario } from "./scenario";

/** Sends a strategic merge patch of the outpost's pod spec under a field manager, as `kubectl edit` or authentik does. */
export function patchPodSpec(
  { apps, namespace, strategicMerge }: Scenario,
  outpost: string,
  fieldManager: string,
  podSpec: Partial<V1PodSpec> | Record<string, unknown>,
): Promise<V1Deployment> {
  const body = { spec: { template: { spec: podSpec } } };
  const name = outpostObjectName({ name: outpost });
  return apps.patchNamespacedDeployment({ namespace, name, fieldManager, body }, strategicMerge);
}

/** Resolves once all pods of the Deployment have its current template and are available. */
export async function untilRolledOut({ apps, namespace }: Scenario, name: string): Promise<void> {
  const isDone = async () => isRolledOut(await apps.readNamespacedDeployment({ namespace, name })) || undefined;
  await waitUntil(isDone, { what: `Deployment ${namespace}/${name} to be rolled out`, timeoutMs: 60_000 });
}

export const waitForRollout = (scenario: Scenario, outpost: string): Promise<void> =>
  untilRolledOut(scenario, outpostObjectName({ name: outpost }));

/** Lists the Deployment's pods that are not terminating. */
export async function podsOf({ apps, core, namespace }: Scenario, name: string): Promise<V1Pod[]> {
  const labelSelector = selectorOf(await apps.readNamespacedDeployment({ namespace, name }));
  const { items } = await core.listNamespacedPod({ namespace, labelSelector });
  return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
}

/** Tells whether a pod has all of the sidecar: container, volume, and the mount in the outpost. */
export const carries = ({ spec }: V1Pod): boolean =>
  spec?.initContainers?.some(({ name }) => name === "shm-cleanup") === true &&
  spec.volumes?.some(({ name }) => name === "dshm") === true &&
  spec.containers[0].volumeMounts?.some(({ name, mountPath }) => name === "dshm" && mountPath === "/dev/shm") === true;

/** Makes the node refuse new pods, or accept them again. */
export async function cordon(kubeconfig: string, unschedulable: boolean): Promise<void> {
  const { core, strategicMerge } = await clients(kubeconfig);
  const [node] = (await core.listNode()).items;
  await core.patchNode({ name: node.metadata!.name!, body: { spec: { unschedulable } } }, strategicMerge);
}

/** Limits the namespace to one pod while the work is done, so that the API server refuses the new pods of a rollout. */
export async function withOnePod({ core, namespace }: Scenario, work: () => Promise<void>): Promise<void> {
  const target = { namespace, name: "one-pod" };
  const body = { metadata: { name: target.name }, spec: { hard: { pods: "1" } } };
  await core.createNamespacedResourceQuota({ namespace, body });
  const counted = async () => (await core.readNamespacedResourceQuota(target)).status?.used?.pods;
  await waitUntil(counted, { what: "the quota to count", timeoutMs: 30_000 });
  await work();
  await core.deleteNamespacedResourceQuota(target);
}

/** Lists the names of the outposts' pods that are not terminating, sorted. */
export async function podNames({ core, namespace }: Scenario): Promise<string[]> {
  const labelSelector = "goauthentik.io/outpost-type=proxy";
  const { items } = await core.listNamespacedPod({ namespace, labelSelector });
  const staying = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  return staying.map(({ metadata }) => metadata?.name ?? "").sort();
}
