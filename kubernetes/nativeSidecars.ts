/**
 * Kubernetes runs native sidecars from this minor version on
 * (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/).
 */
const firstMinor = 29;

/** Tells whether a cluster of this version, such as `v1.28.4`, has no native sidecars. False if the version does not tell. */
export function lacksNativeSidecars(version: string): boolean {
  const [, minor] = /^v?1\.(\d+)/.exec(version) ?? [];
  return minor !== undefined && Number(minor) < firstMinor;
}
