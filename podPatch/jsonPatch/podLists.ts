import { outpostContainer } from "../../authentik/names";
import { ownVolumes, shmMountPath, shmVolume, sidecarContainer } from "../../cleaner/names";

/** A list of the pod spec that carries a part of ours. */
export interface PodList {
  readonly path: string;
  /** Name of an element in messages. */
  readonly kind: string;
  /** Key by which Kubernetes identifies the list's elements. */
  readonly mergeKey: "name" | "mountPath";
  /** True if authentik's Deployment has the list before any patch. Its one element is then the outpost's container. */
  readonly inReference?: true;
  /** Returns the element's name if it is ours, hand-pasted or not; undefined for others'. */
  ownName(element: unknown): string | undefined;
  /** Describes the conflict if the element is somebody else's and takes a place that we need. */
  conflict?(element: unknown): string | undefined;
}

const podSpec = "/spec/template/spec";
const field = (element: unknown, name: string): unknown =>
  typeof element === "object" && element !== null ? (element as Record<string, unknown>)[name] : undefined;
const named = (element: unknown, names: readonly string[]): string | undefined => {
  const name = field(element, "name");
  return typeof name === "string" && names.includes(name) ? name : undefined;
};
const isMemoryDirectory = (volume: unknown): boolean => field(field(volume, "emptyDir"), "medium") === "Memory";

/** Makes the list of elements that Kubernetes identifies by name. */
const listOfNamed = (list: string, kind: string, names: readonly string[]): PodList => ({
  path: `${podSpec}/${list}`,
  kind,
  mergeKey: "name",
  ownName: (element) => named(element, names),
});

export const volumes: PodList = {
  ...listOfNamed("volumes", "volume", ownVolumes),
  conflict: (element) =>
    field(element, "name") === shmVolume && !isMemoryDirectory(element)
      ? `volume ${shmVolume}, which is no emptyDir of medium Memory`
      : undefined,
};

/** Mounts of the outpost's own container. It is always the first, or authentik recreates the Deployment. */
export const mounts: PodList = {
  path: `${podSpec}/containers/0/volumeMounts`,
  kind: "mount",
  mergeKey: "mountPath",
  // Recognised by the volume, which nobody else mounts there: a mount with an edited path is ours too.
  ownName: (element) => (field(element, "name") === shmVolume ? shmMountPath : undefined),
  conflict: (element) => {
    const [name, mountPath] = [field(element, "name"), field(element, "mountPath")].map(String);
    if (mountPath === shmMountPath && name !== shmVolume)
      return `a mount of volume ${name} on ${shmMountPath} in container ${outpostContainer}`;
    return name === shmVolume && mountPath !== shmMountPath
      ? `a mount of volume ${shmVolume} on ${mountPath}`
      : undefined;
  },
};

export const initContainers = listOfNamed("initContainers", "init container", [sidecarContainer]);
export const containers: PodList = {
  ...listOfNamed("containers", "container", [sidecarContainer]),
  inReference: true,
};

/** All lists, in the order in which our operations are appended. */
export const podLists: readonly PodList[] = [volumes, mounts, initContainers, containers];
