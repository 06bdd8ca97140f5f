// The Prometheus operator's kinds with their schemas, from the operator's own module. The operator itself does not run.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeConfig, V1CustomResourceDefinition } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { repositoryRoot } from "../../../sandbox/paths";
import { moduleDir } from "../../../sandbox/toolchain/go";
import { waitUntil } from "../../../sandbox/waitUntil";

const group = "monitoring.coreos.com";
const kinds = [
  { kind: "PodMonitor", plural: "podmonitors" },
  { kind: "PrometheusRule", plural: "prometheusrules" },
];
const pinned = join(repositoryRoot, "toolchain", "prometheus-operator");
const timeoutMs = 30_000;

async function definitions(kubeConfig: KubeConfig) {
  const { ApiextensionsV1Api } = await import("@kubernetes/client-node");
  return kubeConfig.makeApiClient(ApiextensionsV1Api);
}

async function servedKinds(kubeConfig: KubeConfig): Promise<string[]> {
  const { ApiException, CustomObjectsApi } = await import("@kubernetes/client-node");
  try {
    const { resources } = await kubeConfig.makeApiClient(CustomObjectsApi).getAPIResources({ group, version: "v1" });
    return resources.map(({ kind }) => kind);
  } catch (error) {
    if (error instanceof ApiException && error.code === 404) return [];
    throw error;
  }
}

/** Installs the CustomResourceDefinition of each kind, and waits until it is served. */
export async function installOperatorKinds(kubeConfig: KubeConfig): Promise<void> {
  const { loadYaml } = await import("@kubernetes/client-node");
  const api = await definitions(kubeConfig);
  const operator = moduleDir(pinned, "github.com/prometheus-operator/prometheus-operator");
  for (const { plural } of kinds) {
    const text = readFileSync(join(operator, "example", "prometheus-operator-crd", `${group}_${plural}.yaml`), "utf8");
    await api.createCustomResourceDefinition({ body: loadYaml<V1CustomResourceDefinition>(text) });
  }
  const allServed = async () => ((await servedKinds(kubeConfig)).length === kinds.length ? true : undefined);
  await waitUntil(allServed, { what: "the Prometheus operator's kinds to be served", timeoutMs });
}

/** Removes the kinds with all of their objects. */
export async function removeOperatorKinds(kubeConfig: KubeConfig): Promise<void> {
  const api = await definitions(kubeConfig);
  for (const { plural } of kinds) await api.deleteCustomResourceDefinition({ name: `${plural}.${group}` });
  const noneServed = async () => ((await servedKinds(kubeConfig)).length === 0 ? true : undefined);
  await waitUntil(noneServed, { what: "the Prometheus operator's kinds to be gone", timeoutMs });
}

/** Lists the objects of these kinds in a namespace, by `Kind/name`. */
export async function operatorObjects(
  kubeConfig: KubeConfig,
  namespace: string,
): Promise<Record<string, Record<string, unknown>>> {
  const { CustomObjectsApi } = await import("@kubernetes/client-node");
  const api = kubeConfig.makeApiClient(CustomObjectsApi);
  const found: Record<string, Record<string, unknown>> = {};
  for (const { kind, plural } of kinds) {
    // The storage of a new kind answers "(re)initializing" for a while, and may do so again.
    const list = () =>
      api.listNamespacedCustomObject({ group, version: "v1", namespace, plural }) as Promise<ObjectList>;
    const { items } = await waitUntil(list, { what: `the ${plural} to be listed`, timeoutMs });
    for (const { metadata, spec } of items) found[`${kind}/${metadata.name}`] = { labels: metadata.labels, spec };
  }
  return found;
}

interface ObjectList {
  items: { metadata: { name: string; labels: unknown }; spec: unknown }[];
}
