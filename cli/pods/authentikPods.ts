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

/** Label that authentik's Helm chart sets: server or worker. */
const component = "app.kubernetes.io/component";

/** Tells whether the pod is a worker, by the chart's label. Workers deploy outposts. */
export const isWorker = ({ metadata }: V1Pod): boolean => metadata?.labels?.[component] === "worker";

/** Returns the name of authentik's own container, as its chart has it; else the first, which may be that of a mesh. */
export function authentikContainerIn({ spec }: V1Pod): string {
  const names = spec?.containers.map(({ name }) => name) ?? [];
  return names.find((name) => name === "server" || name === "worker") ?? names[0] ?? "";
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
