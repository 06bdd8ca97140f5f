import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { proxySelector } from "../../authentik/names";
import type { Target } from "../target";

/**
 * Explains that there is no pod, and names namespaces that have some.
 * @param deployments the namespace's outposts, all without pods
 */
export async function noOutposts(
  { cluster, namespace }: Pick<Target, "cluster" | "namespace">,
  deployments: V1Deployment[],
): Promise<string> {
  const without = deployments.map(({ metadata, spec }) => `${metadata?.name} (${spec?.replicas ?? 1} replicas wanted)`);
  if (without.length > 0)
    return `No pods of proxy outposts in namespace ${namespace}; Deployments without any: ${without.join(", ")}.`;
  const elsewhere = await namespacesWithOutposts({ cluster });
  const hint =
    elsewhere.length > 0
      ? `They are in ${elsewhere.join(", ")}: name one with --namespace`
      : "Name theirs with --namespace";
  return `No proxy outposts in namespace ${namespace}. ${hint}.`;
}

/**
 * Returns the namespaces that have outposts. It is only a hint, so an account that may not look beyond its namespace gets none.
 */
export async function namespacesWithOutposts({ cluster }: Pick<Target, "cluster">): Promise<string[]> {
  const pods = await cluster.pods(undefined, proxySelector).catch(() => []);
  return [...new Set(pods.map(({ metadata }) => metadata?.namespace ?? ""))].sort();
}
