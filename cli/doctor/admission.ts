import { sidecarContainer } from "../../cleaner/names";
import { barePods } from "../pods/solution";
import { nameOf } from "../pods/outpostPods";
import { counted } from "../units";
import type { Finding } from "./finding";
import type { Snapshot } from "./snapshot";

/** Finds pods that an admission policy should have given the sidecar. Such a fault keeps no pod from starting, so nothing else shows it. */
export function admissionFindings({ outposts, kubectl }: Snapshot): Finding[] {
  return outposts.deployments.flatMap((deployment) => {
    const bare = barePods(deployment, outposts);
    if (bare.length === 0) return [];
    const name = nameOf(deployment);
    return [
      {
        check: "admission",
        subject: `Deployment/${name}`,
        seen: `${counted(bare.length, "pod")} without container ${sidecarContainer}: ${bare.join(", ")}`,
        why: "The admission policy that gives it to them was missing, edited or failing as they were created. Their /dev/shm has 64 MiB, and nothing sweeps it.",
        todo: `Run \`pulumi up --refresh\`, which puts the policy back. Then replace the pods: ${kubectl} delete pod ${bare.join(" ")} (their users log in again).`,
      },
    ];
  });
}
