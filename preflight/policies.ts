import type { Cluster } from "../kubernetes/cluster";
import type { Support } from "../kubernetes/supportedKinds";
import { hasCronJob, hasSidecar, type Settings } from "../settings/types";
import { nothing, problem, warning, type Findings } from "./findings";

/** Findings on the cluster's admission, and the decision on a policy for the CronJob's account. */
export interface PolicyFindings extends Findings {
  execPolicy: boolean;
}

const execKinds = ["validatingadmissionpolicies", "validatingadmissionpolicybindings"];
const podKinds = ["mutatingadmissionpolicies", "mutatingadmissionpolicybindings"];

/** Checks that objects of all these kinds can be created. */
async function supportOf(cluster: Pick<Cluster, "support">, kinds: string[]): Promise<Support> {
  const group = "admissionregistration.k8s.io";
  const found = await Promise.all(kinds.map((resource) => cluster.support({ group, version: "v1", resource })));
  return (["unserved", "forbidden"] as const).find((lack) => found.includes(lack)) ?? "usable";
}

/** Returns true if a policy for the CronJob's account is wanted. */
export const wantsExecPolicy = ({ restrictExec, outposts }: Settings): boolean =>
  restrictExec && outposts.some(hasCronJob);

/**
 * Checks that a policy is possible if one is wanted. A cluster without policies gets only a warning, since nothing can be done
 * about it there.
 */
export async function inspectPolicies(cluster: Pick<Cluster, "support">, settings: Settings): Promise<PolicyFindings> {
  if (!wantsExecPolicy(settings)) return { ...nothing, execPolicy: false };
  const support = await supportOf(cluster, execKinds);
  const anyCommand = `command in the pods of namespace ${settings.namespace}, not only the sweep`;
  const lacks = {
    usable: nothing,
    unserved: warning(
      `restrictExec: this cluster has no ValidatingAdmissionPolicy (Kubernetes has from 1.30 on), so the CronJob's account may run any ` +
        `${anyCommand}. Set restrictExec to false to be told so no more.`,
    ),
    forbidden: problem(
      `restrictExec needs a ValidatingAdmissionPolicy and its binding, which your account may not create. Have somebody update the stack who may, ` +
        `or set restrictExec to false: the CronJob's account may then run any ${anyCommand}.`,
    ),
  };
  return { ...lacks[support], execPolicy: support === "usable" };
}

/** Checks that pods can be given the sidecar as they are created, if any outpost wants that. */
export async function inspectPodAdmission(
  cluster: Pick<Cluster, "support">,
  { outposts }: Settings,
  version: string,
): Promise<Findings> {
  if (!outposts.some((outpost) => hasSidecar(outpost) && outpost.delivery === "admission")) return nothing;
  const support = await supportOf(cluster, podKinds);
  if (support === "usable") return nothing;
  return problem(
    support === "unserved"
      ? `delivery admission: this cluster runs Kubernetes ${version} and has no MutatingAdmissionPolicy (on by default from 1.36 on). ` +
          `Set \`delivery\` to deployment.`
      : "delivery admission needs a MutatingAdmissionPolicy and its bindings, which your account may not create. " +
          "Have somebody update the stack who may, or set `delivery` to deployment.",
  );
}
