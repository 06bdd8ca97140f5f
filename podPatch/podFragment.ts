import { metricsPort } from "../cleaner/scriptNumbers";
import {
  metricsPortName,
  runDirectory,
  runVolume,
  scriptsConfigMap,
  scriptsDirectory,
  scriptsVolume,
  settingsConfigMap,
  settingsDirectory,
  settingsFile,
  settingsVariable,
  settingsVolume,
  shmMountPath,
  shmVolume,
  sidecarContainer,
  sidecarCpuLimit,
  sidecarMemoryLimit,
} from "../cleaner/names";
import { cleanerScripts } from "../cleaner/scripts";
import type { OutpostSettings } from "../settings/types";
import { clusterUser } from "../settings/values/user";

/** Settings that the fragment depends on. A change of these restarts the outpost's pods; one of the sweep settings does not. */
export const fragmentKeys = ["deployment", "container", "shmSize", "cleanerImage", "runAsUser"] as const;
type PodFragmentSettings = Pick<OutpostSettings, (typeof fragmentKeys)[number]>;

/**
 * The part of the outpost's pod spec that is ours: a memory-backed volume on /dev/shm and the sidecar that sweeps it.
 * It names the outpost's container only to mount the volume there, so every other field of it stays authentik's.
 */
export function podFragment(settings: PodFragmentSettings) {
  return {
    containers: [{ name: settings.container, volumeMounts: [{ name: shmVolume, mountPath: shmMountPath }] }],
    // A native sidecar: it starts before the outpost, and ends after it.
    initContainers: [{ ...sidecarSpec(settings), restartPolicy: "Always" }],
    volumes: [
      { name: shmVolume, emptyDir: { medium: "Memory", sizeLimit: settings.shmSize } },
      // Optional: without them the pod starts all the same. The sidecar runs on its built-in values, or waits for its scripts.
      { name: settingsVolume, configMap: { name: settingsConfigMap(settings.deployment), optional: true } },
      // Metrics and counters live outside /dev/shm, so that a full one can't break them.
      { name: runVolume, emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
      // Last, where it is appended to an outpost's JSON patch of a version that had no such volume.
      { name: scriptsVolume, configMap: { name: scriptsConfigMap, optional: true } },
    ],
  };
}

export type PodFragment = ReturnType<typeof podFragment>;

function sidecarSpec(settings: PodFragmentSettings) {
  return {
    name: sidecarContainer,
    image: settings.cleanerImage,
    command: ["/bin/sh", "-c", cleanerScripts().loader, sidecarContainer],
    env: [
      { name: "SHM_DIR", value: shmMountPath },
      { name: settingsVariable, value: `${settingsDirectory}/${settingsFile}` },
      { name: "SCRIPTS_DIR", value: scriptsDirectory },
      { name: "METRICS_DIR", value: runDirectory },
    ],
    ports: [{ name: metricsPortName, containerPort: metricsPort, protocol: "TCP" }],
    resources: {
      requests: { cpu: "5m", memory: "16Mi" },
      limits: { cpu: sidecarCpuLimit, memory: sidecarMemoryLimit },
    },
    // /dev/shm is mode 1777: only the uid that wrote a file can delete it, so the sidecar runs as the outpost's.
    securityContext: {
      runAsNonRoot: true,
      ...userOf(settings),
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
    volumeMounts: [
      { name: shmVolume, mountPath: shmMountPath },
      { name: settingsVolume, mountPath: settingsDirectory, readOnly: true },
      { name: scriptsVolume, mountPath: scriptsDirectory, readOnly: true },
      { name: runVolume, mountPath: runDirectory },
    ],
  };
}

function userOf({ runAsUser }: PodFragmentSettings): { runAsUser?: number; runAsGroup?: number } {
  return runAsUser === clusterUser ? {} : { runAsUser: Number(runAsUser), runAsGroup: Number(runAsUser) };
}
