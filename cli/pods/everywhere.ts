import { proxySelector } from "../../authentik/names";
import type { Cluster } from "../../kubernetes/cluster";
import { refusedWith } from "../../kubernetes/connection";
import type { Deployment } from "../../kubernetes/types";
import { UsageError } from "../errors";
import type { Target } from "../target";
import { findOutposts, type Outposts } from "./outpostPods";

/**
 * Returns the target itself, or with --all-namespaces one for each namespace with outposts, by authentik's labels, and one for the
 * stack's.
 */
export async function targetsOf(target: Target): Promise<Target[]> {
  const { cluster, namespace, expectation, inNamespace } = target;
  if (!inNamespace) return [target];
  const found = await namespacesWithOutposts(cluster).catch((error: Error) => {
    if (refusedWith(error) !== 403) throw error;
    const cure = "--all-namespaces requires that right; without it, name one namespace by --namespace";
    throw new Error(`${error.message}. ${cure}`, { cause: error });
  });
  return [...new Set([...found, ...(expectation ? [namespace] : [])])].sort().map(inNamespace);
}

/** Finds the outposts of all these targets, as {@link findOutposts} does. */
export async function findEverywhere(target: Target, names: string[]): Promise<Outposts[]> {
  if (target.inNamespace && names.length > 0)
    throw new UsageError(`"${names.join(" ")}" can't be looked up in all namespaces: leave it or --all-namespaces out`);
  return Promise.all((await targetsOf(target)).map((each) => findOutposts(each, names)));
}

/**
 * Explains that there is no pod, and names namespaces that have some.
 * @param deployments the outposts that were found, all without pods
 */
export async function noOutposts(
  { cluster, namespace, inNamespace }: Pick<Target, "cluster" | "namespace" | "inNamespace">,
  deployments: Deployment[],
): Promise<string> {
  const where = inNamespace ? "any namespace" : `namespace ${namespace}`;
  const without = deployments.map(({ metadata, spec }) => `${metadata?.name} (${spec?.replicas ?? 1} replicas wanted)`);
  if (without.length > 0)
    return `No pods of proxy outposts in ${where}; Deployments without any: ${without.join(", ")}.`;
  if (inNamespace)
    return `No pods of proxy outposts in ${where}, by authentik's labels. Name the namespace of others with --namespace.`;
  const elsewhere = await hintedNamespaces(cluster);
  const hint =
    elsewhere.length > 0
      ? `They are in ${elsewhere.join(", ")}: name one with --namespace`
      : "Name theirs with --namespace";
  return `No proxy outposts in ${where}. ${hint}.`;
}

type Lists = Pick<Cluster, "pods" | "deployments">;

/** Returns the namespaces that have pods or Deployments of outposts, by authentik's labels. */
async function namespacesWithOutposts(cluster: Lists): Promise<string[]> {
  const pods = await cluster.pods(undefined, proxySelector);
  const deployments = await cluster.deployments(undefined, proxySelector);
  return [...new Set([...pods, ...deployments].map(({ metadata }) => metadata?.namespace ?? ""))].sort();
}

/** The same as far as they may be listed, as a hint. */
export const hintedNamespaces = (cluster: Lists): Promise<string[]> =>
  namespacesWithOutposts({
    pods: (...args) => cluster.pods(...args).catch(() => []),
    deployments: (...args) => cluster.deployments(...args).catch(() => []),
  });
