// Names of everything that this program makes in a cluster.
import { sessionDirectory } from "../authentik/names";

/** Labels of every object we create; authentik's own Deployment gets none of them. */
export const objectLabels = {
  "app.kubernetes.io/name": "authentik-outpost-shm",
  "app.kubernetes.io/component": "shm-cleanup",
  "app.kubernetes.io/managed-by": "pulumi",
};
/** The same as a selector. */
export const ownSelector = `app.kubernetes.io/name=${objectLabels["app.kubernetes.io/name"]}`;

/** Prefix of our field managers. Each stack has one. */
export const stackManagerPrefix = "authentik-outpost-shm-";
/** Tells whether a field manager is a stack of this program. */
export const isStack = (manager: string): boolean => manager.startsWith(stackManagerPrefix);

/** Name of the CronJob and of the account it runs as: one of each per namespace. */
export const cronJobName = "authentik-outpost-shm-cleanup";
export const cronJobContainer = "shm-cleanup-cronjob";
export const sidecarContainer = "shm-cleanup";
/** Enough to sweep a full /dev/shm. Anything that the sidecar writes there counts too. */
export const sidecarMemoryLimit = "32Mi";
/** Enough for a flood: docs/benchmarks.md has the rates. An idle sidecar takes less than a thousandth of a CPU. */
export const sidecarCpuLimit = "250m";

export const shmVolume = "dshm";
export const shmMountPath = sessionDirectory;

/** The ConfigMap that carries the sweep settings of an outpost's sidecar, and the one key in it. */
export const settingsConfigMap = (deployment: string): string => `${deployment}-shm-cleanup`;
export const settingsFile = "settings";
export const settingsVolume = "shm-cleanup-settings";
export const settingsDirectory = "/etc/shm-cleanup";
/** The ConfigMap with the sidecar's scripts: one a namespace. */
export const scriptsConfigMap = "authentik-outpost-shm-scripts";
export const scriptsVolume = "shm-cleanup-scripts";
export const scriptsDirectory = "/opt/shm-cleanup";

/** Variable that only our sidecar has, not a hand-pasted one of the same name. */
export const settingsVariable = "SETTINGS_FILE";

/** The directory in which the sidecar writes its metrics, outside /dev/shm, so that a full one can't break them. */
export const runDirectory = "/run/shm-cleanup";
export const runVolume = "shm-cleanup-run";
/** File of Prometheus text that the sidecar serves. */
export const metricsFile = "metrics.txt";
export const metricsPath = `/${metricsFile}`;
export const metricsPortName = "shm-metrics";

/** Volumes that the sidecar brings. */
export const ownVolumes = [shmVolume, settingsVolume, runVolume, scriptsVolume];

/**
 * Label by which a Deployment's pods ask for the sidecar with `delivery: admission`. Its value changes only with what restarts
 * pods.
 */
export const revisionLabel = "authentik-outpost-shm/revision";
