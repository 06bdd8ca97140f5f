import { isHalted, refusedPods, unfinishedRollout } from "../../kubernetes/rollout";
import { selectorInShell } from "../../kubernetes/podsOfDeployment";
import type { Deployment } from "../../kubernetes/types";
import { resumeRollout, seeRefusal } from "../advice";
import { nameOf, podsOf } from "../pods/outpostPods";
import type { Cause } from "./finding";
import type { Snapshot } from "./snapshot";

const noPods = "Nobody gets at the outpost's applications.";

/** Finds Deployments whose new pods Kubernetes refuses, or whose rollout is paused. Their old pods, if any, run on and look healthy. */
export function haltedRollout(deployment: Deployment, { outposts, kubectl }: Snapshot): Cause | undefined {
  const seen = unfinishedRollout(deployment);
  if (!seen) return undefined;
  if (!refusedPods(deployment)) {
    const todo = resumeRollout(kubectl, nameOf(deployment));
    return isHalted(deployment) ? { seen, why: "Not every pod has what was changed last.", todo } : undefined;
  }
  const isUp = podsOf(deployment, outposts).length > 0;
  const why = isUp ? "No pod has what was changed last, and a pod that ends is not replaced." : noPods;
  return { seen, why, todo: seeRefusal(kubectl, nameOf(deployment)) };
}

/** Finds Deployments that want pods and have none, for a reason that they do not give. */
export function withoutPods(deployment: Deployment, { outposts, kubectl }: Snapshot): Cause | undefined {
  const { replicas = 1 } = deployment.spec ?? {};
  if (replicas === 0 || podsOf(deployment, outposts).length > 0 || refusedPods(deployment)) return undefined;
  return {
    seen: `it wants ${replicas} pods and has none`,
    why: noPods,
    todo: `See why: ${kubectl} describe replicasets -l ${selectorInShell(deployment)} (a quota, an admission webhook, Pod Security).`,
  };
}
