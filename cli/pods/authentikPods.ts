import type { V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { authentikSelector } from "../../authentik/names";
import type { Cluster } from "../../kubernetes/cluster";

/** authentik itself, as far as it runs in this cluster. */
export interface Authentik {
  namespace: string;
  pods: V1Pod[];
  /** Reason why the pods are not known. */
  unknown?: string;
}

/** Finds authentik's own pods in a namespace. Never rejects: that they can't be listed is an answer too. */
export async function findAuthentik(cluster: Cluster, namespace: string): Promise<Authentik> {
  try {
    const pods = await cluster.pods(namespace, authentikSelector);
    return { namespace, pods: pods.filter(({ metadata }) => metadata?.deletionTimestamp === undefined) };
  } catch (error) {
    return { namespace, pods: [], unknown: (error as Error).message };
  }
}
