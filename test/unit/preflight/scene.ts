import type { Cluster } from "../../../kubernetes/cluster";
import type { Deployment } from "../../../kubernetes/types";
import type { Findings } from "../../../preflight/findings";
import type { Places } from "../../../preflight/look";
import { inspectOutposts } from "../../../preflight/outposts";
import type { OutpostSettings } from "../../../settings/types";
import { fakeCluster, type Answers } from "../cli/cluster";
import { managed } from "../managedFields";

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

/** Field manager of the stack that looks. */
export const ours = "authentik-outpost-shm-prod";

/** Makes a cluster that holds these Deployments, on which a change changes nothing unless it is answered otherwise. */
export function clusterWith(live: Deployment[], answers: Answers = {}): Cluster {
  const named = (wanted: string) => live.find(({ metadata }) => metadata?.name === wanted);
  const unchanged = (_namespace: string, name: string) =>
    Promise.resolve({ outcome: "applied" as const, deployment: named(name)! });
  return fakeCluster({
    deployment: (_namespace, name) => Promise.resolve(named(name)),
    deployments: live,
    pods: [],
    limitRanges: [],
    configMap: undefined,
    cronJob: undefined,
    selfMay: () => Promise.resolve({ allowed: false }),
    dryRunApply: unchanged,
    dryRunMerge: unchanged,
    ...answers,
  });
}

/** Looks at outposts as this stack does. */
export const inspect = (
  cluster: Cluster,
  outposts: OutpostSettings[],
  authentik?: Places["authentik"],
): Promise<Findings> => inspectOutposts({ cluster, authentik, namespace: "authentik", fieldManager: ours }, outposts);

/** The warning that the API server refuses a pod with the sidecar. */
export const refusedPod = (reason: string, end = "the rollout does not end"): string =>
  `outpost "My Outpost": the API server would not take a pod with the sidecar now: ${reason}. If it refuses the Deployment's own too, ` +
  `${end}. Change what refuses it, or the setting that it refuses.`;
