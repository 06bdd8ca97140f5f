import { refusedPods, unfinishedRollout } from "../../kubernetes/rollout";
import type { Deployment } from "../../kubernetes/types";
import { seeRefusal } from "../advice";
import { nameOf, podsOf } from "../pods/outpostPods";
import type { Cause } from "./finding";
import type { Snapshot } from "./snapshot";

/** Finds Deployments whose new pods Kubernetes refuses. Their old pods, if any, run on and look healthy. */
export function refusedRollout(deployment: Deployment, { outposts, kubectl }: Snapshot): Cause | undefined {
  const seen = unfinishedRollout(deployment);
  if (!seen || !refusedPods(deployment)) return undefined;
  const why =
    podsOf(deployment, outposts).length > 0
      ? "No pod has what was changed last, and a pod that ends is not replaced."
      : "Nobody gets at the outpost's applications.";
  return { seen, why, todo: seeRefusal(kubectl, nameOf(deployment)) };
}
