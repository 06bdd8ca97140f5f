import type { Cluster } from "../kubernetes/cluster";
import { hasCronJob, hasSidecar, type Settings } from "../settings/settings";
import { nothing, problem, warning, type Findings } from "./findings";
import * as messages from "./messages";

/** Findings on the cluster's admission, and the decision on a policy for the CronJob's account. */
export interface PolicyFindings extends Findings {
  execPolicy: boolean;
}

const execKinds = ["validatingadmissionpolicies", "validatingadmissionpolicybindings"];
const podKinds = ["mutatingadmissionpolicies", "mutatingadmissionpolicybindings"];

const supportOf = (cluster: Pick<Cluster, "support">, kinds: string[]) =>
  Promise.all(
    kinds.map((resource) => cluster.support({ group: "admissionregistration.k8s.io", version: "v1", resource })),
  );

/** Returns true if a policy for the CronJob's account is wanted. */
export const wantsExecPolicy = ({ restrictExec, outposts }: Settings): boolean =>
  restrictExec && outposts.some(hasCronJob);

/**
 * Checks that a policy is possible if one is wanted. A cluster without policies gets only a warning, since nothing can be done
 * about it there.
 */
export async function inspectPolicies(cluster: Pick<Cluster, "support">, settings: Settings): Promise<PolicyFindings> {
  const { namespace } = settings;
  if (!wantsExecPolicy(settings)) return { ...nothing, execPolicy: false };
  const support = await supportOf(cluster, execKinds);
  if (support.includes("unserved")) return { ...warning(messages.noPolicies(namespace)), execPolicy: false };
  if (support.includes("forbidden")) return { ...problem(messages.policiesForbidden(namespace)), execPolicy: false };
  return { ...nothing, execPolicy: true };
}

/** Checks that pods can be given the sidecar as they are created, if any outpost wants that. */
export async function inspectPodAdmission(
  cluster: Pick<Cluster, "support">,
  { outposts }: Settings,
  version: string,
): Promise<Findings> {
  if (!outposts.some((outpost) => hasSidecar(outpost) && outpost.delivery === "admission")) return nothing;
  const support = await supportOf(cluster, podKinds);
  if (support.includes("unserved")) return problem(messages.noPodAdmission(version));
  return support.includes("forbidden") ? problem(messages.podAdmissionForbidden) : nothing;
}
