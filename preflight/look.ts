import type { AuthentikClient } from "../authentik/client";
import type { Cluster, Verdict } from "../kubernetes/cluster";
import { ifForbidden } from "../kubernetes/connection";
import type { Deployment, LimitRange, Pod } from "../kubernetes/types";

/** The systems that the preflight looks at, and our name there. */
export interface Places {
  cluster: Cluster;
  /** Undefined unless the settings give access to authentik. */
  authentik?: Pick<AuthentikClient, "readOutpost" | "findOutpost" | "lastChangeBy" | "tokenValidities">;
  namespace: string;
  /** Field manager of our patches with `delivery: deployment`. */
  fieldManager: string;
}

/** The same, with what the namespace holds, each kind listed once. A role that may not list a kind loses only what it tells. */
export interface Look extends Places {
  /** All Deployments; undefined if they may not be listed. */
  deployments: Deployment[] | undefined;
  pods: Pod[];
  limitRanges: LimitRange[];
  /** Tells whether we may create pods in the namespace. Asks the API server at the first call only. */
  mayCreatePods: () => Promise<boolean>;
}

export async function lookAround(places: Places): Promise<Look> {
  const { cluster, namespace } = places;
  const [deployments, pods, limitRanges] = await Promise.all([
    cluster.deployments(namespace).catch(ifForbidden(undefined)),
    cluster.pods(namespace).catch(ifForbidden([])),
    cluster.limitRanges(namespace).catch(ifForbidden([])),
  ]);
  let asked: Promise<Verdict> | undefined;
  const mayCreatePods = async () =>
    (await (asked ??= cluster.selfMay({ namespace, resource: "pods", verb: "create" }))).allowed;
  return { ...places, deployments, pods, limitRanges, mayCreatePods };
}

/** Returns the Deployment of that name, if there is one. */
export async function deploymentNamed({ cluster, namespace, deployments }: Look, name: string) {
  return deployments
    ? deployments.find(({ metadata }) => metadata?.name === name)
    : cluster.deployment(namespace, name);
}
