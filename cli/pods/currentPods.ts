import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { isObserved, unfinishedRollout } from "../../kubernetes/rollout";
import type { OutpostPod } from "./outpostPods";

/** Label by which the Deployment's controller tells the pods of one template from those of another. */
const hashLabel = "pod-template-hash";

/**
 * Returns the Deployment's pods of its present template. During a rollout these are the pods with the youngest one's hash: none
 * while the controller has made none, since an old pod only waits for its successor.
 */
export function currentPods(deployment: V1Deployment, pods: OutpostPod[]): OutpostPod[] {
  if (!unfinishedRollout(deployment)) return [...pods];
  if (!isObserved(deployment) || !deployment.status?.updatedReplicas) return [];
  const [youngest] = [...pods].sort((a, b) => createdAt(b) - createdAt(a));
  return pods.filter((pod) => hashOf(pod) === hashOf(youngest));
}

const hashOf = ({ pod }: OutpostPod): string | undefined => pod.metadata?.labels?.[hashLabel];

const createdAt = ({ pod }: OutpostPod): number => new Date(pod.metadata?.creationTimestamp ?? 0).getTime();
