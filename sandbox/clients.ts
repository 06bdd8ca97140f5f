import type { KubeConfig } from "@kubernetes/client-node" with { "resolution-mode": "import" };

/** Makes the typed clients of a cluster, given the path of its kubeconfig, and the headers by which its API tells patches apart. */
export async function clients(kubeconfig: string) {
  const { AppsV1Api, BatchV1Api, CoreV1Api, KubeConfig, KubernetesObjectApi, PatchStrategy, setHeaderOptions } =
    await import("@kubernetes/client-node");
  const kubeConfig: KubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeconfig);
  return {
    kubeConfig,
    apps: kubeConfig.makeApiClient(AppsV1Api),
    batch: kubeConfig.makeApiClient(BatchV1Api),
    core: kubeConfig.makeApiClient(CoreV1Api),
    generic: KubernetesObjectApi.makeApiClient(kubeConfig),
    merge: setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
    strategicMerge: setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch),
  };
}

export type Clients = Awaited<ReturnType<typeof clients>>;
