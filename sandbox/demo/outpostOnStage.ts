// Reads the state of the demo's outpost from the cluster.
import type { V1Container, V1Deployment, V1PodSpec } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { scriptsConfigMap, settingsConfigMap } from "../../cleaner/names";
import { outpostObjectName } from "../outpost";
import type { Stage } from "./stage";

/** Matches objects that only the program creates in the demo's namespace, not those of authentik and Kubernetes. */
const ownNames = /shm-cleanup$|^ConfigMap\/authentik-outpost-shm-/;
const ownKinds = {
  ConfigMap: "v1",
  ServiceAccount: "v1",
  CronJob: "batch/v1",
  Role: "rbac.authorization.k8s.io/v1",
  RoleBinding: "rbac.authorization.k8s.io/v1",
};

export const sidecarOf = (spec: V1PodSpec): V1Container | undefined =>
  spec.initContainers?.find(({ name }) => name === "shm-cleanup");

export const deployment = ({ api, outpost }: Stage): Promise<V1Deployment> =>
  api.apps.readNamespacedDeployment({ namespace: outpost.namespace, name: outpostObjectName(outpost) });

export const podSpec = async (stage: Stage): Promise<V1PodSpec> => (await deployment(stage)).spec!.template.spec!;

/** Reads the ConfigMaps of the sidecar: its settings and its scripts, by file name. */
export async function sidecarFiles({ api, outpost }: Stage): Promise<Record<string, string>> {
  const { namespace } = outpost;
  const read = async (name: string) => (await api.core.readNamespacedConfigMap({ namespace, name })).data;
  return { ...(await read(settingsConfigMap(outpostObjectName(outpost)))), ...(await read(scriptsConfigMap)) };
}

/** Lists the program's own objects in the demo's namespace as `Kind/name`, sorted. */
export async function ownObjects({ api, outpost: { namespace } }: Stage): Promise<string[]> {
  const found: string[] = [];
  for (const [kind, apiVersion] of Object.entries(ownKinds)) {
    const { items } = await api.generic.list(apiVersion, kind, namespace);
    found.push(...items.map(({ metadata }) => `${kind}/${metadata?.name}`));
  }
  return found.filter((object) => ownNames.test(object)).sort();
}
