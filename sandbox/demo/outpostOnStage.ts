// Reads the state of the demo's outpost from the cluster.
import type { V1Container, V1PodSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { scriptsConfigMap, settingsConfigMap } from "../../cleaner/names";
import { isRolledOut, outpostObjectName } from "../outpost";
import { waitUntil } from "../waitUntil";
import type { Stage } from "./stage";

/** Longest wait for the outpost's rollout, in milliseconds. */
const rolloutTimeoutMs = 120_000;

/** Matches objects that only the program creates in the demo's namespace, not those of authentik and Kubernetes. */
const ownNames = /shm-cleanup$|^ConfigMap\/authentik-outpost-shm-/;

export const sidecarOf = (spec: V1PodSpec): V1Container | undefined =>
  spec.initContainers?.find(({ name }) => name === "shm-cleanup");

/** Reads the outpost's Deployment. */
export async function deployment({ kubeConfig, outpost }: Stage) {
  const { AppsV1Api } = await import("@kubernetes/client-node");
  const apps = kubeConfig.makeApiClient(AppsV1Api);
  return apps.readNamespacedDeployment({ namespace: outpost.namespace, name: outpostObjectName(outpost) });
}

export const podSpec = async (stage: Stage): Promise<V1PodSpec> => (await deployment(stage)).spec!.template.spec!;

/** Resolves when all of the outpost's pods are new and available. */
export async function rollout(stage: Stage): Promise<void> {
  const isDone = async () => isRolledOut(await deployment(stage)) || undefined;
  await waitUntil(isDone, { what: "the outpost's rollout", timeoutMs: rolloutTimeoutMs });
}

/** Reads the ConfigMaps of the sidecar: its settings, and its scripts by file name. */
export async function sidecarFiles({ kubeConfig, outpost }: Stage): Promise<Record<"settings" | "scripts", Files>> {
  const { CoreV1Api } = await import("@kubernetes/client-node");
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const { namespace } = outpost;
  const read = async (name: string) => (await core.readNamespacedConfigMap({ namespace, name })).data ?? {};
  const settings = await read(settingsConfigMap(outpostObjectName(outpost)));
  return { settings, scripts: await read(scriptsConfigMap) };
}
type Files = Record<string, string>;

/** Lists the program's own objects in the demo's namespace as `Kind/name`, sorted. */
export async function ownObjects({ kubeConfig, outpost: { namespace } }: Stage): Promise<string[]> {
  const { KubernetesObjectApi } = await import("@kubernetes/client-node");
  const api = KubernetesObjectApi.makeApiClient(kubeConfig);
  const kinds = {
    ConfigMap: "v1",
    ServiceAccount: "v1",
    CronJob: "batch/v1",
    Role: "rbac.authorization.k8s.io/v1",
    RoleBinding: "rbac.authorization.k8s.io/v1",
  };
  const found: string[] = [];
  for (const [kind, apiVersion] of Object.entries(kinds)) {
    const { items } = await api.list(apiVersion, kind, namespace);
    found.push(...items.map(({ metadata }) => `${kind}/${metadata?.name}`));
  }
  return found.filter((object) => ownNames.test(object)).sort();
}
