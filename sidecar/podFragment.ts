import type { CleanerScripts } from "../cleaner/scripts";
import type { ContainerPatch, PodSpecPatch } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/settings";

/** The outpost's container in authentik's Deployment is named after the outpost's type. */
export const outpostContainer = "proxy";
export const sidecarContainer = "shm-cleanup";
export const shmVolume = "dshm";
export const shmMountPath = "/dev/shm";
/** Enough for the sweep of a full /dev/shm; what it writes there itself counts too. */
export const sidecarMemoryLimit = "32Mi";
/** Where the sidecar serves Prometheus text. */
export const metricsPort = 9301;
export const metricsPortName = "shm-metrics";
export const metricsPath = "/metrics.txt";

const settingsVolume = "shm-cleanup-settings";
const settingsDirectory = "/etc/shm-cleanup";
/** Key of the settings ConfigMap, and so the file's name in the sidecar. */
export const settingsFile = "settings";
/** Tells our sidecar from a hand-pasted one of the same name. */
export const settingsVariable = "SETTINGS_FILE";
const runVolume = "shm-cleanup-run";
/** Where the sidecar writes its metrics, which it serves over HTTP. */
export const runDirectory = "/run/shm-cleanup";
/** Name of that file, and its path over HTTP. */
export const metricsFile = "metrics.txt";
/** Volumes that the fragment brings. */
export const ownVolumes = [shmVolume, settingsVolume, runVolume];

/** Name of the ConfigMap that carries the sweep settings of an outpost's sidecar. */
export const settingsConfigMap = (deployment: string): string => `${deployment}-shm-cleanup`;

/** What the fragment depends on. Whatever stands here restarts the outpost's pods when it changes; sweep settings do not. */
export type PodFragmentSettings = Pick<
  OutpostSettings,
  "deployment" | "shmSize" | "cleanerImage" | "runAsUser" | "nativeSidecar"
>;

/**
 * The part of the outpost's pod spec that is ours: a memory-backed volume on /dev/shm and the sidecar that sweeps it.
 * It names the outpost's container only to mount the volume there, so every other field of it stays authentik's.
 */
export function podFragment(settings: PodFragmentSettings, scripts: CleanerScripts): PodSpecPatch {
  const sidecar = sidecarSpec(settings, scripts);
  const outpost: ContainerPatch = {
    name: outpostContainer,
    volumeMounts: [{ name: shmVolume, mountPath: shmMountPath }],
  };
  return {
    // The outpost comes first: authentik recreates the Deployment when containers[0] is not its own.
    containers: settings.nativeSidecar ? [outpost] : [outpost, sidecar],
    ...(settings.nativeSidecar && { initContainers: [{ ...sidecar, restartPolicy: "Always" }] }),
    volumes: [
      { name: shmVolume, emptyDir: { medium: "Memory", sizeLimit: settings.shmSize } },
      // Optional: without it the sidecar runs on its built-in values, and the pod starts all the same.
      { name: settingsVolume, configMap: { name: settingsConfigMap(settings.deployment), optional: true } },
      // Metrics and counters live outside /dev/shm, so that a full one can't break them.
      { name: runVolume, emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
    ],
  };
}

function sidecarSpec(settings: PodFragmentSettings, scripts: CleanerScripts): ContainerPatch {
  return {
    name: sidecarContainer,
    image: settings.cleanerImage,
    command: ["/bin/sh", "-c", scripts.sidecar, sidecarContainer, scripts.sweep],
    env: [
      { name: "SHM_DIR", value: shmMountPath },
      { name: settingsVariable, value: `${settingsDirectory}/${settingsFile}` },
      { name: "METRICS_DIR", value: runDirectory },
    ],
    ports: [{ name: metricsPortName, containerPort: metricsPort, protocol: "TCP" }],
    resources: { requests: { cpu: "5m", memory: "16Mi" }, limits: { cpu: "50m", memory: sidecarMemoryLimit } },
    // /dev/shm is mode 1777: only the uid that wrote a file can delete it, so the sidecar runs as the outpost's.
    securityContext: {
      runAsNonRoot: true,
      runAsUser: settings.runAsUser,
      runAsGroup: settings.runAsUser,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
    volumeMounts: [
      { name: shmVolume, mountPath: shmMountPath },
      { name: settingsVolume, mountPath: settingsDirectory, readOnly: true },
      { name: runVolume, mountPath: runDirectory },
    ],
  };
}
