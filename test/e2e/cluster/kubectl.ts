// Changes of an outpost by hand, as by an operator or another controller.
import type { V1Deployment, V1PodSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { clients } from "../../../sandbox/clients";
import { outpostObjectName, untilAvailable } from "../../../sandbox/outpost";
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

/** Resolves once all of the outpost's pods have the current template and are available. */
export const waitForRollout = ({ kubeconfig, namespace }: Scenario, outpost: string): Promise<void> =>
  untilAvailable(kubeconfig, { namespace, name: outpost });

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
