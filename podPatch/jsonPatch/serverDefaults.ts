import type { PodFragment } from "../podFragment";

/** Mode of a mounted ConfigMap's files unless it names another: 0644. */
const defaultFileMode = 0o644;

/**
 * Adds every field that the API server would fill in. authentik applies the outpost's JSON patch to the live Deployment and
 * writes it whenever that changes it, so a missing default is a write at every reconcile.
 * Source of the defaults: k8s.io/kubernetes/pkg/apis/core/v1/defaults.go.
 */
export const withServerDefaults = (fragment: PodFragment): PodFragment => ({
  ...fragment,
  volumes: fragment.volumes.map((volume) =>
    volume.configMap ? { ...volume, configMap: { defaultMode: defaultFileMode, ...volume.configMap } } : volume,
  ),
  // The outpost's own container is named only for its mounts. Everything else in it is authentik's.
  initContainers: fragment.initContainers.map((container) => ({
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: pullPolicy(container.image),
    ...container,
  })),
});

/** Returns Always for the tag `latest`, which an image without tag and digest has too. */
function pullPolicy(image: string): "Always" | "IfNotPresent" {
  const name = image.slice(image.lastIndexOf("/") + 1);
  if (name.includes("@")) return "IfNotPresent";
  const tag = name.split(":")[1] ?? "latest";
  return tag === "latest" ? "Always" : "IfNotPresent";
}
