import { connection, type KubernetesConfig } from "./connection";
import { supportOf, type Support } from "./support";

/** Looks at what a cluster has for admission. Nothing here changes the cluster. */
export interface PolicyApi {
  /** Whether ValidatingAdmissionPolicies are there to be used. Kubernetes serves them from 1.30 on. */
  support(): Promise<Support>;
}

const resources = ["validatingadmissionpolicies", "validatingadmissionpolicybindings"];

/** Of the cluster that the Kubernetes provider is configured for. */
export function clusterPolicies(config: KubernetesConfig): PolicyApi {
  const call = connection(config);
  return {
    async support() {
      const kinds = resources.map((resource) => ({ group: "admissionregistration.k8s.io", version: "v1", resource }));
      const support = await Promise.all(kinds.map((kind) => supportOf(call, kind)));
      const lacking = (["unserved", "forbidden"] as const).find((lack) => support.includes(lack));
      return lacking ?? "usable";
    },
  };
}
