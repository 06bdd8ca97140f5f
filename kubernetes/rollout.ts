import type { Deployment } from "./types";

type Condition = NonNullable<NonNullable<Deployment["status"]>["conditions"]>[number];

/**
 * Returns Kubernetes' own words for why it refuses new pods of a Deployment (a quota, Pod Security, an SCC, a webhook), or even
 * their ReplicaSet; undefined if it doesn't.
 */
export function refusedPods(deployment: Deployment): string | undefined {
  // Without its ReplicaSet a Deployment stays unobserved: the controller writes this condition and tries again.
  const replicaSet = condition(deployment, "Progressing", "False");
  const isRefused = replicaSet?.reason === "ReplicaSetCreateError";
  const pods = isObserved(deployment) ? condition(deployment, "ReplicaFailure", "True") : undefined;
  const failure = isRefused ? replicaSet : pods;
  return failure && (failure.message ?? failure.reason ?? "no reason given");
}

/**
 * Describes what a rollout still lacks, in the terms of `kubectl rollout status`, and what keeps it from going on: a refusal of
 * its pods, or a pause. Undefined once all pods are new and available.
 */
export function unfinishedRollout(deployment: Deployment): string | undefined {
  const missing = missingPods(deployment);
  const refusal = missing && refusedPods(deployment);
  if (refusal) return `${missing}; Kubernetes refuses new pods: ${refusal}`;
  return isHalted(deployment) ? `${missing}; it is paused (kubectl rollout resume)` : missing;
}

/** Tells whether a pause keeps pods from being replaced. It keeps no new pod from becoming available. */
export function isHalted(deployment: Deployment): boolean {
  const { spec, status: { updatedReplicas = 0, replicas = 0 } = {} } = deployment;
  const isOver = updatedReplicas >= (spec?.replicas ?? 1) && replicas <= updatedReplicas;
  return spec?.paused === true && isObserved(deployment) && !isOver;
}

function missingPods(deployment: Deployment): string | undefined {
  const { spec, status = {} } = deployment;
  const wanted = spec?.replicas ?? 1;
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status;
  if (!isObserved(deployment)) return "the rollout has not begun";
  if (updatedReplicas < wanted) return `${updatedReplicas} of ${wanted} pods updated`;
  if (replicas > updatedReplicas) return `old pods on their way out: ${replicas - updatedReplicas}`;
  if (availableReplicas < updatedReplicas) return `${availableReplicas} of ${wanted} pods available`;
  return undefined;
}

/** Tells whether the present rollout made no progress for as long as the Deployment allows. */
export const isGivenUp = (deployment: Deployment): boolean =>
  isObserved(deployment) && condition(deployment, "Progressing", "False")?.reason === "ProgressDeadlineExceeded";

/** Tells whether the status is that of the present spec. */
export const isObserved = ({ metadata, status }: Deployment): boolean =>
  (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);

const condition = ({ status }: Deployment, type: string, is: "True" | "False"): Condition | undefined =>
  status?.conditions?.find((each) => each.type === type && each.status === is);
