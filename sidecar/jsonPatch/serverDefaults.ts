import type { ContainerPatch, PodSpecPatch } from "../../kubernetes/types";

/** Mode of a mounted ConfigMap's files unless it names another: 0644. */
const defaultFileMode = 0o644;

/**
 * Adds every field that the API server would fill in. authentik applies the outpost's JSON patch to the live Deployment and
 * writes it whenever that changes it, so a missing default is a write at every reconcile.
 * Source of the defaults: k8s.io/kubernetes/pkg/apis/core/v1/defaults.go.
 */
export function withServerDefaults(fragment: PodSpecPatch): PodSpecPatch {
  const plain = structuredClone(fragment) as PlainPodSpec;
  return {
    ...plain,
    volumes: plain.volumes.map((volume) =>
      volume.configMap ? { ...volume, configMap: { defaultMode: defaultFileMode, ...volume.configMap } } : volume,
    ),
    // The outpost's own container is named only for its mounts. Everything else in it is authentik's.
    containers: plain.containers.map((container) => (container.image ? containerDefaults(container) : container)),
    ...(plain.initContainers && { initContainers: plain.initContainers.map(containerDefaults) }),
  };
}

/** A fragment as podFragment makes it, in which nothing waits for another resource. */
interface PlainPodSpec extends PodSpecPatch {
  volumes: { name: string; configMap?: object }[];
  containers: PlainContainer[];
  initContainers?: PlainContainer[];
}
type PlainContainer = ContainerPatch & { name: string; image?: string };

function containerDefaults(container: PlainContainer): PlainContainer {
  return {
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: pullPolicy(container.image ?? ""),
    ...container,
  };
}

/** Returns Always for the tag `latest`, which an image without tag and digest has too. */
function pullPolicy(image: string): "Always" | "IfNotPresent" {
  const name = image.slice(image.lastIndexOf("/") + 1);
  if (name.includes("@")) return "IfNotPresent";
  const tag = name.split(":")[1] ?? "latest";
  return tag === "latest" ? "Always" : "IfNotPresent";
}
