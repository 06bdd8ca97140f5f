import type { Deployment } from "./types";

/**
 * Returns Kubernetes' own words for why it refuses new pods of a Deployment (a quota, Pod Security, a webhook); undefined if it
 * doesn't.
 */
export function refusedPods({ metadata, status = {} }: Deployment): string | undefined {
  if ((status.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return undefined;
  const failure = status.conditions?.find(({ type, status }) => type === "ReplicaFailure" && status === "True");
  return failure && (failure.message ?? failure.reason ?? "no reason given");
}

/**
 * Describes what a rollout still lacks, in the terms of `kubectl rollout status`. Undefined once all pods are new and
 * available.
 */
export function unfinishedRollout({ metadata, spec, status = {} }: Deployment): string | undefined {
  const wanted = spec?.replicas ?? 1;
  const { observedGeneration = 0, updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status;
  if (observedGeneration < (metadata?.generation ?? 0)) return "the rollout has not begun";
  if (updatedReplicas < wanted) return `${updatedReplicas} of ${wanted} pods updated`;
  if (replicas > updatedReplicas) return `old pods on their way out: ${replicas - updatedReplicas}`;
  if (availableReplicas < updatedReplicas) return `${availableReplicas} of ${wanted} pods available`;
  return undefined;
}
