import type { Cluster } from "../kubernetes/cluster";
import { hasCronJob, type Settings } from "../settings/settings";
import { nothing, problem, warning, type Findings } from "./findings";
import * as messages from "./messages";

/** Findings on the cluster's admission, and the decision on a policy for the CronJob's account. */
export interface PolicyFindings extends Findings {
  execPolicy: boolean;
}

const kinds = ["validatingadmissionpolicies", "validatingadmissionpolicybindings"];

/**
 * Checks that a policy is possible if one is wanted. A cluster without policies gets only a warning, since nothing can be done
 * about it there.
 */
export async function inspectPolicies(
  cluster: Pick<Cluster, "support">,
  { namespace, restrictExec, outposts }: Settings,
): Promise<PolicyFindings> {
  if (!restrictExec || !outposts.some(hasCronJob)) return { ...nothing, execPolicy: false };
  const support = await Promise.all(
    kinds.map((resource) => cluster.support({ group: "admissionregistration.k8s.io", version: "v1", resource })),
  );
  if (support.includes("unserved")) return { ...warning(messages.noPolicies(namespace)), execPolicy: false };
  if (support.includes("forbidden")) return { ...problem(messages.policiesForbidden(namespace)), execPolicy: false };
  return { ...nothing, execPolicy: true };
}
