import { cronJobContainer, objectLabels } from "../../cleaner/names";
import { cleanerScripts } from "../../cleaner/scripts";
import type { CronJobSpec } from "../../kubernetes/types";
import type { OutpostSettings, Settings } from "../../settings/types";
import { clusterUser } from "../../settings/values/user";
import { sweepKeys, sweepVariables } from "../../settings/sweepVariables";

/** Pods swept at the same time by one run. Each costs the Job's pod one kubectl process, about 40 MiB. */
const parallelPods = 8;
/** Seconds after which one pod's sweep is given up and reported; the other pods go on. */
const podTimeoutSeconds = 120;
/** Seconds after which Kubernetes ends the whole Job: room for a few rounds of pods that all time out. */
const jobDeadlineSeconds = 900;
/** Seconds that a run may start late (controller down) before it is left to the next one. */
const startingDeadlineSeconds = 300;
/** Seconds after its scheduled time by which a run has ended, whatever happens to it. */
export const latestEndSeconds = startingDeadlineSeconds + jobDeadlineSeconds;

/** Settings of an outpost that the CronJob is made from. */
export const sweptKeys = ["deployment", "container", "runAsUser", ...sweepKeys] as const;
export type SweptOutpost = Pick<OutpostSettings, (typeof sweptKeys)[number]>;

/** Settings of the stack that the CronJob is made from. */
export const scheduledKeys = [
  "schedule",
  "timeZone",
  "kubectlImage",
  "suspend",
  "imagePullSecrets",
  "cronJobPodLabels",
  "cronJobPodAnnotations",
  "usageCritical",
] as const;
export type ScheduledSettings = Pick<Settings, (typeof scheduledKeys)[number]>;

export interface CronJobSettings extends ScheduledSettings {
  namespace: string;
  outposts: SweptOutpost[];
  serviceAccountName: string;
}

/** User of the CronJob's own pods, unless the cluster assigns one: OpenShift refuses any other. */
const nobody = { runAsUser: 65534, runAsGroup: 65534 };

/** Writes one line per outpost for `cleaner/cronjob.sh`: its Deployment and container, then its sweep settings. */
function outpostLines(outposts: SweptOutpost[]): string {
  return outposts
    .map((outpost) => [outpost.deployment, outpost.container, ...sweepVariables(outpost)].join(" "))
    .sort()
    .join("\n");
}

/** A CronJob that sweeps every running pod of the given outposts. Its own pod passes the restricted Pod Security Standard. */
export function cronJobSpec(settings: CronJobSettings): CronJobSpec {
  const { timeZone, imagePullSecrets, cronJobPodLabels, cronJobPodAnnotations } = settings;
  const isAnnotated = Object.keys(cronJobPodAnnotations).length > 0;
  const metadata = {
    labels: { ...objectLabels, ...cronJobPodLabels },
    ...(isAnnotated && { annotations: cronJobPodAnnotations }),
  };
  const spec = {
    serviceAccountName: settings.serviceAccountName,
    ...(imagePullSecrets.length > 0 && { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    restartPolicy: "Never",
    securityContext: {
      runAsNonRoot: true,
      ...(settings.outposts.some(({ runAsUser }) => runAsUser === clusterUser) ? {} : nobody),
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [container(settings)],
    volumes: [{ name: "tmp", emptyDir: { sizeLimit: "64Mi" } }],
  };
  return {
    schedule: settings.schedule,
    ...(timeZone !== undefined && { timeZone }),
    ...(settings.suspend && { suspend: true }),
    concurrencyPolicy: "Forbid",
    startingDeadlineSeconds,
    successfulJobsHistoryLimit: 1,
    failedJobsHistoryLimit: 3,
    jobTemplate: {
      metadata: { labels: objectLabels },
      spec: { backoffLimit: 1, activeDeadlineSeconds: jobDeadlineSeconds, template: { metadata, spec } },
    },
  };
}

function container({ kubectlImage, namespace, outposts, usageCritical }: CronJobSettings) {
  const { cronjob, sweep } = cleanerScripts();
  return {
    name: cronJobContainer,
    image: kubectlImage,
    command: ["/bin/sh", "-c", cronjob, cronJobContainer, sweep],
    env: [
      { name: "NAMESPACE", value: namespace },
      { name: "OUTPOSTS", value: outpostLines(outposts) },
      { name: "USAGE_CRITICAL_PERCENT", value: String(usageCritical) },
      { name: "PARALLEL", value: String(parallelPods) },
      { name: "POD_TIMEOUT_SECONDS", value: String(podTimeoutSeconds) },
      { name: "HOME", value: "/tmp" },
    ],
    resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "512Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    // kubectl caches API discovery under HOME. Without it each of many execs would repeat the discovery.
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
  };
}
