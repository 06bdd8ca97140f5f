import type { KubeConfig } from "@kubernetes/client-node" with { "resolution-mode": "import" };

/** Makes a kubeconfig whose requests come from someone else, as with `kubectl --as`. */
export async function impersonating({ kubeconfig }: { kubeconfig: string }, user: string): Promise<KubeConfig> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeconfig);
  const current = kubeConfig.getCurrentUser();
  kubeConfig.users = [{ ...current!, impersonateUser: user }];
  return kubeConfig;
}
