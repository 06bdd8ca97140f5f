import type { V1Container } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { outpostContainer, runsProxy } from "../../authentik/names";
import { shmVolume, sidecarContainer } from "../../cleaner/names";
import type { Deployment, Pod, PodSpec } from "../../kubernetes/types";

/** Returns the spec of a pod, or of the pods that a Deployment makes. */
export const podSpecOf = ({ spec }: Deployment | Pod): Partial<PodSpec> =>
  (spec && "template" in spec ? spec.template.spec : spec) ?? {};

/** Returns the size that our volume is to have; undefined without one. */
export const shmSizeOf = (object: Deployment | Pod): string | undefined =>
  podSpecOf(object).volumes?.find(({ name }) => name === shmVolume)?.emptyDir?.sizeLimit;

/** Returns the containers and the init containers, since a native sidecar is an init container. */
export function containersOf(object: Deployment | Pod): V1Container[] {
  const { containers = [], initContainers = [] } = podSpecOf(object);
  return [...containers, ...initContainers];
}

/** Returns the containers of that name: two if an ordinary and an init container share it. */
export const containersNamed = (object: Deployment | Pod, name: string): V1Container[] =>
  containersOf(object).filter((container) => container.name === name);

/** Tells whether our sidecar is there, in either form. */
export const carriesSidecar = (object: Deployment | Pod): boolean =>
  containersNamed(object, sidecarContainer).length > 0;

/**
 * Returns the name of the outpost's own container: the one that the settings name, if it is there; else the one with our volume,
 * with authentik's name, or with authentik's image; else the first.
 */
export function outpostContainerIn(object: Deployment | Pod, wanted?: string): string {
  const { containers = [] } = podSpecOf(object);
  const others = containers.filter(({ name }) => name !== sidecarContainer);
  const mountsOurs = ({ volumeMounts = [] }: V1Container) => volumeMounts.some(({ name }) => name === shmVolume);
  const found =
    others.find(({ name }) => name === wanted) ??
    others.find(mountsOurs) ??
    others.find(({ name }) => name === outpostContainer) ??
    others.find(runsProxy) ??
    others[0];
  return found?.name ?? wanted ?? outpostContainer;
}
