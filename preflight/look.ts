import type { AuthentikClient } from "../authentik/client";
import type { Cluster } from "../kubernetes/cluster";
import type { Deployment } from "../kubernetes/types";

/** Whom the preflight asks, and as whom. */
export interface Places {
  cluster: Pick<Cluster, "deployment" | "deployments" | "dryRunApply" | "dryRunMerge">;
  /** Only if the settings give access to authentik. */
  authentik?: Pick<AuthentikClient, "readOutpost" | "findOutpost">;
  namespace: string;
  /** Our name as the one who patches Deployments with `delivery: deployment`. */
  fieldManager: string;
}

/** One look. */
export interface Look extends Places {
  /** Deployments of proxy outposts in the namespace. */
  known: Deployment[];
}
