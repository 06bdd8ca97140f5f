import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { revisionLabel } from "../../cleaner/names";
import { asksForSidecar } from "../../sidecar/revision";
import { carriesSidecar } from "./containers";
import { currentPods } from "./currentPods";
import { nameOf, type Outposts } from "./outpostPods";

const currentPodsOf = (deployment: V1Deployment, { pods }: Outposts) =>
  currentPods(
    deployment,
    pods.filter((pod) => pod.deployment === nameOf(deployment)),
  );

/**
 * Tells whether an admission policy gives the sidecar to the Deployment's pods. The template's label asks for that. If the
 * Deployment was created anew it has none, but the policy has labelled the pods.
 */
export const isAdmitted = (deployment: V1Deployment, outposts: Outposts): boolean =>
  !carriesSidecar(deployment) &&
  (asksForSidecar(deployment) ||
    currentPodsOf(deployment, outposts).some(({ pod }) => pod.metadata?.labels?.[revisionLabel]));

/** Returns the names of the pods that such a policy should have given the sidecar, and did not. */
export const barePods = (deployment: V1Deployment, outposts: Outposts): string[] =>
  isAdmitted(deployment, outposts)
    ? currentPodsOf(deployment, outposts).flatMap(({ name, pod }) => (carriesSidecar(pod) ? [] : [name]))
    : [];

/** Says how a pod gets what an admission policy did not give it. */
export const replaceBare = (kubectl: string, pod: string): string =>
  `Run \`pulumi up\`, which puts the admission policy back, then replace the pod: ${kubectl} delete pod ${pod} (its users log in again).`;
