// Changes of an outpost by hand, as by an operator or another controller.
import type { V1Deployment, V1PodSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { outpostObjectName } from "../../../sandbox/outpost";
import { waitUntil } from "../../../sandbox/waitUntil";
import type { Scenario } from "./scenario";

const rolloutTimeoutMs = 60_000;

async function appsApi({ kubeConfig }: Scenario) {
  const { AppsV1Api } = await import("@kubernetes/client-node");
  return kubeConfig.makeApiClient(AppsV1Api);
}

/** Sends a strategic merge patch of the outpost's pod spec under a field manager, as `kubectl edit` or authentik does. */
export async function patchPodSpec(
  scenario: Scenario,
  outpost: string,
  fieldManager: string,
  podSpec: Partial<V1PodSpec> | Record<string, unknown>,
): Promise<V1Deployment> {
  const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  const apps = await appsApi(scenario);
  return apps.patchNamespacedDeployment(
    {
      namespace: scenario.namespace,
      name: outpostObjectName({ name: outpost }),
      fieldManager,
      body: { spec: { template: { spec: podSpec } } },
    },
    setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch),
  );
}

/** Resolves once all of the outpost's pods have the current template and are available. */
export async function waitForRollout(scenario: Scenario, outpost: string): Promise<void> {
  await waitUntil(
    async () => {
      const { metadata, spec, status } = await scenario.deployment(outpost);
      const counts = [status?.updatedReplicas, status?.availableReplicas, status?.replicas];
      const rolledOut =
        status?.observedGeneration === metadata?.generation && counts.every((count) => count === spec?.replicas);
      return rolledOut || undefined;
    },
    { what: `the rollout of outpost ${outpost}`, timeoutMs: rolloutTimeoutMs },
  );
}

/** Makes the node refuse new pods, or accept them again. */
export async function cordon(kubeconfig: string, unschedulable: boolean): Promise<void> {
  const { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const [node] = (await core.listNode()).items;
  const body = { spec: { unschedulable } };
  const merge = setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch);
  await core.patchNode({ name: node.metadata!.name!, body }, merge);
}

/** Lists the names of the outposts' pods that are not terminating, sorted. */
export async function podNames({ kubeConfig, namespace }: Scenario): Promise<string[]> {
  const { CoreV1Api } = await import("@kubernetes/client-node");
  const labelSelector = "goauthentik.io/outpost-type=proxy";
  const { items } = await kubeConfig.makeApiClient(CoreV1Api).listNamespacedPod({ namespace, labelSelector });
  const staying = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  return staying.map(({ metadata }) => metadata?.name ?? "").sort();
}
