import type { AdmissionCost } from "./admissionCost";
import type { PreviewCost } from "./previewCost";
import type { StatusCost } from "./statusCost";
import { number, table, verdict } from "./tables";

/** Results that are measured on a cluster. */
export interface ClusterResults {
  preview: PreviewCost;
  status: StatusCost;
  admission: AdmissionCost;
}

const goals = { previewRatio: 1.25 };

export function previewSection({ preview: { outposts, ours, plain, nothing } }: ClusterResults): string {
  return `## A preview of ${outposts} outposts

\`pulumi preview\` of a stack that is up, the fastest of five, in turns: this program, a plain program with the same resources,
whose pods hold no script and whose command does nothing, and one without any resource. Each refreshes first. Goal: ${number(goals.previewRatio, 2)} times the plain one.

${table(
  ["program", "seconds", "times plain", "goal"],
  [
    ["ours", number(ours, 1), number(ours / plain, 2), verdict(ours <= goals.previewRatio * plain)],
    ["plain", number(plain, 1), "1.00", ""],
    ["nothing", number(nothing, 1), number(nothing / plain, 2), ""],
  ],
)}
${ours > goals.previewRatio * plain ? "\nWhat is more in ours is the preflight, which has the API server try each Deployment's change before anything is registered.\n" : ""}`;
}

export function statusSection({ status: { pods, ours, kubectl, answered } }: ClusterResults): string {
  return `## The status of ${pods} pods

\`outpost-shm status\` against \`kubectl get pods\` of the same pods, the fastest of three, in turns, on one API server.
kubectl makes one request; \`status\` makes that and one more for each pod's numbers, and had those of ${answered}.

${table(
  ["command", "seconds", "times kubectl"],
  [
    ["outpost-shm status", number(ours, 1), number(ours / kubectl, 1)],
    ["kubectl get pods", number(kubectl, 1), "1.0"],
  ],
)}`;
}

export function admissionSection({ admission: { pods, without, admitted, neighbour } }: ClusterResults): string {
  const row = (pod: string, milliseconds: number): string[] => [
    pod,
    number(milliseconds, 2),
    number(milliseconds - without, 2),
  ];
  return `## The creation of a pod by \`delivery: admission\`

The API server's answer to the creation of one pod, in dry runs, in turns: the median of ${pods}, in milliseconds.

${table(
  ["pod", "ms", "more than without the policy"],
  [
    row("an outpost's, in a namespace without the policy", without),
    row("an outpost's, which gets the sidecar", admitted),
    row("another in the namespace of the policy", neighbour),
  ],
)}`;
}
