import type { V1Container, V1Deployment, V1Pod, V1PodSpec } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { sidecarContainer } from "../../cleaner/names";

/** Returns the spec of a pod, or of the pods that a Deployment makes. */
const podSpec = ({ spec }: V1Deployment | V1Pod): V1PodSpec | undefined =>
  spec && "template" in spec ? spec.template.spec : spec;

/** Returns the containers and the init containers, since a native sidecar is an init container. */
export function containersOf(object: V1Deployment | V1Pod): V1Container[] {
  const { containers = [], initContainers = [] } = podSpec(object) ?? {};
  return [...containers, ...initContainers];
}

/** Returns the containers of that name: two if an ordinary and an init container share it. */
export const containersNamed = (object: V1Deployment | V1Pod, name: string): V1Container[] =>
  containersOf(object).filter((container) => container.name === name);

/** Tells whether our sidecar is there, in either form. */
export const carriesSidecar = (object: V1Deployment | V1Pod): boolean =>
  containersNamed(object, sidecarContainer).length > 0;
