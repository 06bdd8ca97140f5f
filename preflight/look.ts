import type { AuthentikClient } from "../authentik/client";
import type { Cluster } from "../kubernetes/cluster";
import type { Deployment } from "../kubernetes/types";

/** The systems that the preflight looks at, and our name there. */
export interface Places {
  cluster: Pick<Cluster, "deployment" | "deployments" | "pods" | "limitRanges" | "dryRunApply" | "dryRunMerge">;
  /** Undefined unless the settings give access to authentik. */
  authentik?: Pick<AuthentikClient, "readOutpost" | "findOutpost" | "lastChangeBy" | "tokenValidities">;
  namespace: string;
  /** Field manager of our patches with `delivery: deployment`. */
  fieldManager: string;
}

/** The same, with the Deployments that are there. */
export interface Look extends Places {
  /** Deployments of proxy outposts in the namespace. */
  known: Deployment[];
}
