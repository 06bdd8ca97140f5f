import { cronJobName } from "../../cleaner/names";
import type { AlertThresholds } from "../../settings/settings";
import type { PanelSpec } from "./panel";
import { shm } from "./promql";

const pods = 'namespace="$namespace",pod=~"$pod"';
const cronJob = `namespace="$namespace",cronjob="${cronJobName}"`;
const usage = `100 * ${shm("used_bytes", pods)} / ${shm("size_bytes", pods)}`;
const sessions = (state: string): string => shm("session_files", `${pods},state="${state}"`);
const lastSweep = shm("last_sweep_timestamp_seconds", pods);

const green = { color: "green", value: null };
const goodBelow = (warning: number, critical: number) => [
  green,
  { color: "orange", value: warning },
  { color: "red", value: critical },
];

export function nowPanels({ usageWarning, usageCritical }: AlertThresholds): PanelSpec[] {
  return [
    {
      type: "stat",
      title: "Fullest /dev/shm",
      description: "Usage of the pod that has least room left.",
      unit: "percent",
      decimals: 0,
      thresholds: goodBelow(usageWarning, usageCritical),
      targets: [{ expr: `max(${usage})`, legend: "usage" }],
    },
    {
      type: "stat",
      title: "People logged in",
      description: "Sessions of logins in all pods. Whoever has been at two pods counts twice.",
      unit: "short",
      targets: [{ expr: `sum(${sessions("authenticated")})`, legend: "logins" }],
    },
    {
      type: "stat",
      title: "Longest since a sweep",
      description: "Age of the last sweep in the pod that has waited longest.",
      unit: "s",
      decimals: 0,
      targets: [{ expr: `max(timestamp(${lastSweep}) - ${lastSweep})`, legend: "age" }],
    },
    {
      type: "stat",
      title: "Logins evicted in 24 h",
      description: "People logged out because /dev/shm was full. Anything but 0 is trouble.",
      unit: "short",
      decimals: 0,
      thresholds: [green, { color: "red", value: 1 }],
      targets: [
        {
          expr: `sum(increase(${shm("removed_files_total", `${pods},state="authenticated",reason="pressure"`)}[24h]))`,
          legend: "logins",
        },
      ],
    },
  ];
}

export function usagePanels({ usageWarning, usageCritical }: AlertThresholds): PanelSpec[] {
  return [
    {
      type: "timeseries",
      title: "Usage",
      description: "Of the bytes of each pod's /dev/shm. The lines are where the alerts begin.",
      unit: "percent",
      min: 0,
      max: 100,
      thresholds: goodBelow(usageWarning, usageCritical),
      targets: [{ expr: usage, legend: "{{pod}}" }],
    },
    {
      type: "timeseries",
      title: "In use",
      description: "Memory that sessions take: their pages count as the outpost's.",
      unit: "bytes",
      min: 0,
      targets: [{ expr: shm("used_bytes", pods), legend: "{{pod}}" }],
    },
    {
      type: "timeseries",
      title: "Inodes",
      description: "Files of any kind. Empty ones, left by writes that found no space, take nothing else.",
      unit: "short",
      min: 0,
      targets: [{ expr: shm("inodes_used", pods), legend: "{{pod}}" }],
    },
  ];
}

export function sessionPanels({ sessionFilesWarning }: AlertThresholds): PanelSpec[] {
  return [
    {
      type: "timeseries",
      title: "Sessions by state",
      description: `Of all pods. An alert begins at ${sessionFilesWarning} in one pod. Past 5,000 files the sweep tells them from a part.`,
      unit: "short",
      min: 0,
      stacked: true,
      targets: [{ expr: `sum by (state) (${shm("session_files", pods)})`, legend: "{{state}}" }],
    },
    {
      type: "timeseries",
      title: "Removed a minute, by reason",
      description:
        "expired: past its age. pressure: before it, since /dev/shm was full. debris: left by writes that failed.",
      unit: "short",
      min: 0,
      targets: [
        {
          expr: `60 * sum by (state, reason) (rate(${shm("removed_files_total", pods)}[$__rate_interval]))`,
          legend: "{{state}}, {{reason}}",
        },
      ],
    },
    {
      type: "timeseries",
      title: "Oldest session",
      description: "Age of the session saved longest ago: at most authenticatedMaxAge.",
      unit: "s",
      min: 0,
      targets: [{ expr: shm("oldest_session_age_seconds", pods), legend: "{{pod}}" }],
    },
  ];
}

export const sweepPanels: PanelSpec[] = [
  {
    type: "timeseries",
    title: "Duration of a sweep",
    description: "Longer with more files, and where the sidecar is throttled.",
    unit: "s",
    min: 0,
    targets: [{ expr: shm("last_sweep_duration_seconds", pods), legend: "{{pod}}" }],
  },
  {
    type: "timeseries",
    title: "Since the last sweep",
    description: "At most a sweepInterval, or longer where thousands of files lie idle.",
    unit: "s",
    min: 0,
    targets: [{ expr: `timestamp(${lastSweep}) - ${lastSweep}`, legend: "{{pod}}" }],
  },
  {
    type: "timeseries",
    title: "Sweep errors a minute",
    description: "Files that could not be removed, and sweeps that could not do their work.",
    unit: "short",
    min: 0,
    targets: [{ expr: `60 * rate(${shm("sweep_errors_total", pods)}[$__rate_interval])`, legend: "{{pod}}" }],
  },
];

export const cronJobPanels: PanelSpec[] = [
  {
    type: "stat",
    title: "Last run that succeeded",
    description: "How long ago.",
    unit: "s",
    decimals: 0,
    targets: [{ expr: `time() - kube_cronjob_status_last_successful_time{${cronJob}}`, legend: "ago" }],
  },
  {
    type: "stat",
    title: "Next run",
    description: "In how long. Below 0 it is late.",
    unit: "s",
    decimals: 0,
    thresholds: [
      { color: "red", value: null },
      { color: "green", value: 0 },
    ],
    targets: [{ expr: `kube_cronjob_next_schedule_time{${cronJob}} - time()`, legend: "in" }],
  },
  {
    type: "stat",
    title: "Failed runs kept",
    description: "Jobs that failed; Kubernetes keeps the last three.",
    unit: "short",
    thresholds: [green, { color: "orange", value: 1 }],
    targets: [
      {
        expr: `sum(kube_job_failed{namespace="$namespace",job_name=~"${cronJobName}-.+",condition="true"}) or vector(0)`,
        legend: "failed",
      },
    ],
  },
];
