import { fullAnywhere } from "../../authentik/releases";
import { idleFilesPerSecond, loginPercent } from "../../cleaner/scriptNumbers";
import { sidecarContainer } from "../../cleaner/names";
import { podNamePattern } from "../../kubernetes/podNames";
import { quantityBytes } from "../../kubernetes/quantity";
import type { AlertThresholds, OutpostSettings } from "../../settings/types";
import { seconds } from "../../settings/values/duration";
import type { Alert } from "./alertRule";
import { range, shm } from "./promql";

const where = "pod {{ $labels.namespace }}/{{ $labels.pod }}";
/** The smallest unit of a tmpfs. */
const pageBytes = 4096;

/** Settings of an outpost that its sidecar's alerts are made from. */
export const watchedKeys = ["deployment", "delivery", "shmSize", "sweepInterval", "highWatermark"] as const;
export type WatchedOutpost = Pick<OutpostSettings, (typeof watchedKeys)[number]>;

/** Makes the alerts on the metrics of the outposts' sidecars; none without a sidecar. */
export function sidecarAlerts(namespace: string, outposts: WatchedOutpost[], thresholds: AlertThresholds): Alert[] {
  if (outposts.length === 0) return [];
  const all = `namespace="${namespace}"`;
  const groups = byInterval(namespace, outposts);
  return [
    ...usageAlerts(all, thresholds),
    sessionFilesAlert(all, thresholds),
    sweepErrorsAlert(all, outposts),
    loginsEvictedAlert(all),
    sweepStalledAlert(groups),
    fillingUpAlert(groups),
    ...outposts.map((outpost) => targetMissingAlert(namespace, outpost)),
  ];
}

/** Makes two alerts of one name, so that Alertmanager's usual inhibition drops the warning if the critical one fires. */
function usageAlerts(selector: string, { usageWarning, usageCritical }: AlertThresholds): Alert[] {
  const usage = `100 * ${shm("used_bytes", selector)} / ${shm("size_bytes", selector)}`;
  const alert = {
    name: "UsageHigh",
    summary: "/dev/shm of an outpost is nearly full.",
    description:
      `/dev/shm of ${where} is {{ $value | printf "%.0f" }} % full, and the sweep does not bring it down. ` +
      `Once it is full, ${fullAnywhere}.`,
  };
  // A sweep reacts to the high watermark within seconds. If usage is still above it after minutes, it can't be brought down.
  return [
    { ...alert, severity: "warning", expr: `${usage} > ${usageWarning}`, for: "5m" },
    { ...alert, severity: "critical", expr: `${usage} > ${usageCritical}`, for: "2m" },
  ];
}

function sessionFilesAlert(selector: string, { sessionFilesWarning }: AlertThresholds): Alert {
  return {
    name: "SessionFilesHigh",
    severity: "warning",
    expr: `sum by (namespace, pod) (${shm("session_files", selector)}) > ${sessionFilesWarning}`,
    // Longer than a wave of visitors takes to pass.
    for: "15m",
    summary: "An outpost keeps very many sessions.",
    description:
      `/dev/shm of ${where} holds {{ $value | printf "%.0f" }} session files. Each takes a page and an inode, ` +
      `and a sweep takes longer the more there are.`,
  };
}

function sweepErrorsAlert(selector: string, outposts: WatchedOutpost[]): Alert {
  // In seconds. One error is reported for that long.
  const lookback = Math.max(3600, ...outposts.map((outpost) => 2 * longestPause(outpost)));
  return {
    name: "SweepErrors",
    severity: "warning",
    expr: `increase(${shm("sweep_errors_total", selector)}[${range(lookback)}]) > 0`,
    for: "5m",
    summary: "The sweep of an outpost's /dev/shm has errors.",
    description:
      `In ${where} the sweep could not remove files, or could not do its work, ` +
      `{{ $value | printf "%.0f" }} times within ${range(lookback)}. What it leaves fills /dev/shm.`,
  };
}

/**
 * Returns the longest pause between two sweeps, in seconds but rounded up to minutes. If nothing is due, as many files as fit
 * below the high watermark lengthen it.
 */
function longestPause({ shmSize, sweepInterval, highWatermark }: WatchedOutpost): number {
  const files = ((quantityBytes(shmSize) ?? 0) / pageBytes) * (highWatermark / 100);
  const pause = Math.max(seconds(sweepInterval), files / idleFilesPerSecond);
  return Math.ceil(pause / 60) * 60;
}

function loginsEvictedAlert(selector: string): Alert {
  const evicted = shm("removed_files_total", `${selector},state="authenticated",reason="pressure"`);
  return {
    name: "LoginsEvicted",
    severity: "critical",
    expr: `increase(${evicted}[15m]) > 0`,
    for: "1m",
    summary: "People are logged out because an outpost's /dev/shm is full.",
    description:
      `In ${where} {{ $value | printf "%.0f" }} logins were removed before their time within 15m: ` +
      `/dev/shm was at ${loginPercent} % or more, with too few visitors' sessions left to remove.`,
  };
}

function sweepStalledAlert(groups: IntervalGroup[]): Alert {
  return {
    name: "SweepStalled",
    severity: "warning",
    expr: groups.map(stalled).join(" or "),
    for: "5m",
    summary: "The sweep of an outpost's /dev/shm stands still.",
    description:
      `The last sweep of ${where} was {{ $value | humanizeDuration }} ago, more than three intervals. ` +
      `Without it /dev/shm fills up.`,
  };
}

/**
 * Shortest interval that is assumed, in seconds. On 250m of CPU a sweep of many files takes longer than a `sweepInterval` of a
 * few seconds.
 */
const shortestInterval = 30;

/**
 * Compares the age of the last sweep with three intervals. The age is that at the scrape, so that a long scrape interval adds
 * nothing to it. For many idle files the sidecar itself lengthens its pause, and so does the limit.
 */
function stalled({ selector, interval }: IntervalGroup): string {
  const last = shm("last_sweep_timestamp_seconds", selector);
  const shortest = Math.max(interval, shortestInterval);
  const pause = `clamp_min(${shm("inodes_used", selector)} / ${idleFilesPerSecond}, ${shortest})`;
  return `timestamp(${last}) - ${last} > 3 * ${pause}`;
}

function fillingUpAlert(groups: IntervalGroup[]): Alert {
  return {
    name: "FillingUp",
    severity: "warning",
    expr: groups.map(fillingUp).join(" or "),
    // Longer than a flood takes to reach the high watermark, where the sweep ends its growth.
    for: "15m",
    summary: "/dev/shm of an outpost will be full within an hour.",
    description:
      `At the rate of the last sweeps, /dev/shm of ${where} needs {{ $value | humanize1024 }}B within an hour, which is all it has. ` +
      `From highWatermark on visitors' sessions are removed early; where logins fill it, people will be logged out.`,
  };
}

/**
 * Predicts the usage an hour ahead, from half an hour or four sweeps. Below half of /dev/shm nothing is predicted: on a nearly
 * empty one a few visitors are a steep line.
 */
function fillingUp({ selector, interval }: IntervalGroup): string {
  const [used, size] = [shm("used_bytes", selector), shm("size_bytes", selector)];
  const predicted = `predict_linear(${used}[${range(Math.max(1800, 4 * interval))}], 3600)`;
  return `${predicted} >= ${size} and 100 * ${used} / ${size} > 50`;
}

/** Makes one alert per outpost, so that one without a sidecar shows beside others that have theirs. */
function targetMissingAlert(namespace: string, { deployment, delivery }: WatchedOutpost): Alert {
  const pods = `namespace="${namespace}",pod=~"${podNamePattern(deployment)}"`;
  const up = `up{${pods},container="${sidecarContainer}"}`;
  const replicas = `kube_deployment_spec_replicas{namespace="${namespace}",deployment="${deployment}"}`;
  // The average catches a sidecar that crashes again and again and is up in between.
  const down = `${up} == 0 or avg_over_time(${up}[10m]) < 0.5`;
  // One scaled to zero has no pod that could be missing.
  const none = `absent(${shm("sweep_errors_total", pods)}) unless on (namespace) ${replicas} == 0`;
  // A pod that an admission policy missed has no sidecar beside others that have one. Only kube-state-metrics knows of it.
  const running = `max by (namespace, pod) (kube_pod_status_phase{${pods},phase="Running"} == 1)`;
  const bare = delivery === "admission" ? ` or ${running} unless on (namespace, pod) ${up}` : "";
  return {
    name: "TargetMissing",
    severity: "warning",
    expr: `(${none}) or ${down}${bare}`,
    // Longer than a rollout takes.
    for: "10m",
    labels: { deployment },
    summary: "Prometheus gets no metrics of an outpost's /dev/shm.",
    description:
      `{{ if $labels.pod }}The sidecar in ${where} gives no metrics.{{ else }}No pod of Deployment {{ $labels.namespace }}/${deployment} ` +
      `gives metrics of its /dev/shm.{{ end }} Whether it fills up is not known, and the sidecar may be gone.`,
  };
}

/** Outposts of the same sweepInterval. */
interface IntervalGroup {
  selector: string;
  /** In seconds. */
  interval: number;
}

/** Groups outposts by interval. Pods are named only if intervals differ. */
function byInterval(namespace: string, outposts: WatchedOutpost[]): IntervalGroup[] {
  const intervals = [...new Set(outposts.map(({ sweepInterval }) => seconds(sweepInterval)))].sort((a, b) => a - b);
  return intervals.map((interval) => {
    const group = outposts.filter(({ sweepInterval }) => seconds(sweepInterval) === interval);
    const pods = group.map(({ deployment }) => podNamePattern(deployment)).sort();
    const ofPods = intervals.length > 1 ? `,pod=~"${pods.join("|")}"` : "";
    return { selector: `namespace="${namespace}"${ofPods}`, interval };
  });
}
