import type { Cluster } from "../../../kubernetes/cluster";
import type { Deployment } from "../../../kubernetes/types";

/** Makes a Deployment as far as the inspection reads it, with the managedFields of authentik's own fields. */
export function liveDeployment(name: string, changes: { replicas?: number; memoryLimit?: string } = {}): Deployment {
  const { replicas = 1, memoryLimit } = changes;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name,
      namespace: "authentik",
      managedFields: [
        managed("goauthentik.io", {
          "f:spec": {
            "f:replicas": {},
            "f:template": { "f:spec": { "f:containers": { 'k:{"name":"proxy"}': { ".": {}, "f:image": {} } } } },
          },
        }),
      ],
    },
    spec: {
      replicas,
      selector: {},
      template: {
        metadata: { labels: { "goauthentik.io/outpost-type": "proxy" } },
        spec: {
          containers: [
            {
              name: "proxy",
              image: "ghcr.io/goauthentik/proxy:2026.5.0",
              ...(memoryLimit && { resources: { limits: { memory: memoryLimit } } }),
            },
          ],
        },
      },
    },
    // The rollout of its first pods is over.
    status: { replicas, updatedReplicas: replicas, availableReplicas: replicas },
  };
}

export const managed = (manager: string, fieldsV1: object, subresource?: string) => ({
  manager,
  operation: "Update",
  fieldsV1,
  ...(subresource && { subresource }),
});

/** Fails if a pod is asked for, which only delivery admission does. */
export const withoutPods: Pick<Cluster, "selfMay" | "dryRunPod"> = {
  selfMay: () => Promise.reject(new Error("asked for a right")),
  dryRunPod: () => Promise.reject(new Error("asked for a pod")),
};
