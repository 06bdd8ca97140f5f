import { connection, type KubernetesConfig } from "./connection";

/** Whether ValidatingAdmissionPolicies are there to be used. */
export type PolicySupport =
  | "usable"
  /** The cluster has none: Kubernetes serves them from 1.30 on. */
  | "unserved"
  /** The cluster has them, and the account that runs the program may not create any. */
  | "forbidden";

/** Looks at what a cluster has for admission. Nothing here changes the cluster. */
export interface PolicyApi {
  support(): Promise<PolicySupport>;
}

const group = "admissionregistration.k8s.io";
const resources = ["validatingadmissionpolicies", "validatingadmissionpolicybindings"];

/** Of the cluster that the Kubernetes provider is configured for: by its own list of what it serves, and a review of what one may. */
export function clusterPolicies(config: KubernetesConfig): PolicyApi {
  const call = connection(config);
  const served = () =>
    call(`list the resources of ${group}/v1`, async ({ admission }) => {
      const names = (await admission.getAPIResources()).resources.map(({ name }) => name);
      return resources.every((resource) => names.includes(resource));
    });
  const mayCreate = (resource: string) =>
    call(`say who may create ${resource}`, async ({ authorization }) => {
      const spec = { resourceAttributes: { group, resource, verb: "create" } };
      return (await authorization.createSelfSubjectAccessReview({ body: { spec } })).status?.allowed === true;
    });
  return {
    async support() {
      if (!(await served())) return "unserved";
      return (await Promise.all(resources.map(mayCreate))).every(Boolean) ? "usable" : "forbidden";
    },
  };
}
