import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { proxySelector } from "../../authentik/names";
import type { Cluster } from "../../kubernetes/cluster";
import type { Target } from "../target";

/**
 * Explains that there is no pod, and names namespaces that have some.
 * @param deployments the outposts that were found, all without pods
 */
export async function noOutposts(
  { cluster, namespace, inNamespace }: Pick<Target, "cluster" | "namespace" | "inNamespace">,
  deployments: V1Deployment[],
): Promise<string> {
  const where = inNamespace ? "any namespace" : `namespace ${namespace}`;
  const without = deployments.map(({ metadata, spec }) => `${metadata?.name} (${spec?.replicas ?? 1} replicas wanted)`);
  if (without.length > 0)
    return `No pods of proxy outposts in ${where}; Deployments without any: ${without.join(", ")}.`;
  if (inNamespace)
    return `No pods of proxy outposts in ${where}, by authentik's labels. Name the namespace of others with --namespace.`;
  const elsewhere = await namespacesWithOutposts(cluster).catch(() => []);
  const hint =
    elsewhere.length > 0
      ? `They are in ${elsewhere.join(", ")}: name one with --namespace`
      : "Name theirs with --namespace";
  return `No proxy outposts in ${where}. ${hint}.`;
}

/** Returns the namespaces that have pods of outposts, by authentik's labels. */
export async function namespacesWithOutposts(cluster: Pick<Cluster, "pods">): Promise<string[]> {
  const pods = await cluster.pods(undefined, proxySelector);
  return [...new Set(pods.map(({ metadata }) => metadata?.namespace ?? ""))].sort();
}
