import type { V1CronJob } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import {
  cronJobName,
  isStack,
  revisionLabel,
  settingsVariable,
  shmVolume,
  sidecarContainer,
} from "../../cleaner/names";
import { ownersOf } from "../../kubernetes/fieldOwners";
import type { Deployment } from "../../kubernetes/types";
import { asksForSidecar } from "../../podPatch/revision";
import { sidecarFields } from "../../podPatch/takenFields";
import { carriesSidecar, containersNamed, outpostContainerIn, podSpecOf } from "./containers";
import { currentPods, podsOf, type OutpostPod, type Outposts } from "./outpostPods";

/** Tells whether the CronJob is this program's. */
export const isOwnCronJob = ({ metadata }: V1CronJob): boolean => metadata?.name === cronJobName;

/**
 * Tells whether an admission policy gives the sidecar to the Deployment's pods. The template's label asks for that. If the
 * Deployment was created anew it has none, but the policy has labelled the pods.
 */
export const isAdmitted = (deployment: Deployment, outposts: Outposts): boolean =>
  !carriesSidecar(deployment) &&
  (asksForSidecar(deployment) ||
    currentPods(deployment, podsOf(deployment, outposts)).some(({ pod }) => pod.metadata?.labels?.[revisionLabel]));

/** Returns the pods that such a policy should have given the sidecar, and did not. */
export const barePods = (deployment: Deployment, outposts: Outposts): OutpostPod[] =>
  isAdmitted(deployment, outposts)
    ? currentPods(deployment, podsOf(deployment, outposts)).filter(({ pod }) => !carriesSidecar(pod))
    : [];

/** Returns the owners of each field that the sidecar needs; none of a field that is not there. */
export const fieldOwners = (deployment: Deployment): { field: string; owners: string[] }[] =>
  sidecarFields(outpostContainerIn(deployment)).map(({ field, path }) => ({
    field,
    owners: ownersOf(path, deployment.metadata?.managedFields ?? []),
  }));

/** Tells whether the sidecar is this program's, by either delivery. A volume without a sidecar is ours if only stacks own it. */
export function isOurs(deployment: Deployment): boolean {
  const sidecars = containersNamed(deployment, sidecarContainer);
  if (sidecars.length > 0) return sidecars.every(({ env }) => env?.some(({ name }) => name === settingsVariable));
  const hasVolume = podSpecOf(deployment).volumes?.some(({ name }) => name === shmVolume) ?? false;
  return hasVolume && fieldOwners(deployment).every(({ owners }) => owners.every(isStack));
}
