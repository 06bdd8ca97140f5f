import { refusedPods, unfinishedRollout } from "../../kubernetes/rollout";
import { nameOf } from "../pods/outpostPods";
import type { Finding } from "./finding";
import type { Snapshot } from "./snapshot";

/** Finds Deployments whose new pods Kubernetes refuses. Their old pods, if any, run on and look healthy. */
export function rolloutFindings({ outposts, kubectl }: Snapshot): Finding[] {
  return outposts.deployments.flatMap((deployment) => {
    const unfinished = unfinishedRollout(deployment);
    if (!unfinished || !refusedPods(deployment)) return [];
    const name = nameOf(deployment);
    const old = outposts.pods.some((pod) => pod.deployment === name);
    return [
      {
        check: "rollout",
        subject: `Deployment/${name}`,
        seen: unfinished,
        why: old
          ? "No pod has what was changed last, and a pod that ends is not replaced."
          : "Nobody gets at the outpost's applications.",
        todo: `Change what refuses them, or the setting that it refuses: ${kubectl} describe deployment ${name}`,
      },
    ];
  });
}
