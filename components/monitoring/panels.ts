import { cronJobName } from "../../cleaner/names";
import type { AlertThresholds } from "../../settings/types";
import type { PanelSpec } from "./panel";
import { shm } from "./promql";

const pods = 'namespace="$namespace",pod=~"$pod"';
const cronJob = `namespace="$namespace",cronjob="${cronJobName}"`;
const usage = `100 * ${shm("used_bytes", pods)} / ${shm("size_bytes", pods)}`;
const lastSweep = shm("last_sweep_timestamp_seconds", pods);
const sinceLastSweep = `timestamp(${lastSweep}) - ${lastSweep}`;
const evicted = shm("removed_files_total", `${pods},state="authenticated",reason="pressure"`);

const green = { color: "green", value: null };
const goodBelow = (warning: number, critical: number) => [
  green,
  { color: "orange", value: warning },
  { color: "red", value: critical },
];

export function nowPanels({ usageWarning, usageCritical }: AlertThresholds): PanelSpec[] {
  return [
    {
      title: "Fullest /dev/shm",
      description: "Usage of the pod that has least room left.",
      unit: "percent",
      decimals: 0,
      thresholds: goodBelow(usageWarning, usageCritical),
      expr: `max(${usage})`,
      legend: "usage",
    },
    {
      title: "People logged in",
      description: "Sessions of logins in all pods. Whoever has been at two pods counts twice.",
      unit: "short",
      expr: `sum(${shm("session_files", `${pods},state="authenticated"`)})`,
      legend: "logins",
    },
    {
      title: "Longest since a sweep",
      description: "Age of the last sweep in the pod that has waited longest.",
      unit: "s",
      decimals: 0,
      expr: `max(${sinceLastSweep})`,
      legend: "age",
    },
    {
      title: "Logins evicted in 24 h",
      description: "People logged out because /dev/shm was full. Anything but 0 is trouble.",
      unit: "short",
      decimals: 0,
      thresholds: [green, { color: "red", value: 1 }],
      expr: `sum(increase(${evicted}[24h]))`,
      legend: "logins",
    },
  ];
}

export function usagePanels({ usageWarning, usageCritical }: AlertThresholds): PanelSpec[] {
  return [
    {
      title: "Usage",
      description: "Of the bytes of each pod's /dev/shm. The lines are where the alerts begin.",
      unit: "percent",
      max: 100,
      thresholds: goodBelow(usageWarning, usageCritical),
      expr: usage,
    },
    {
      title: "In use",
      description: "Memory that sessions take: their pages count as the outpost's.",
      unit: "bytes",
      expr: shm("used_bytes", pods),
    },
    {
      title: "Inodes",
      description: "Files of any kind. Empty ones, left by writes that found no space, take nothing else.",
      unit: "short",
      expr: shm("inodes_used", pods),
    },
  ];
}

export function sessionPanels({ sessionFilesWarning }: AlertThresholds): PanelSpec[] {
  return [
    {
      title: "Sessions by state",
      description: `Of all pods. An alert begins at ${sessionFilesWarning} in one pod. Past 5,000 files the sweep tells them from a part.`,
      unit: "short",
      stacked: true,
      expr: `sum by (state) (${shm("session_files", pods)})`,
      legend: "{{state}}",
    },
    {
      title: "Removed a minute, by reason",
      description:
        "expired: past its age. pressure: before it, since /dev/shm was full. debris: left by writes that failed.",
      unit: "short",
      expr: `60 * sum by (state, reason) (rate(${shm("removed_files_total", pods)}[$__rate_interval]))`,
      legend: "{{state}}, {{reason}}",
    },
    {
      title: "Oldest session",
      description: "Age of the session saved longest ago: at most authenticatedMaxAge.",
      unit: "s",
      expr: shm("oldest_session_age_seconds", pods),
    },
  ];
}

export const sweepPanels: PanelSpec[] = [
  {
    title: "Duration of a sweep",
    description: "Longer with more files, and where the sidecar is throttled.",
    unit: "s",
    expr: shm("last_sweep_duration_seconds", pods),
  },
  {
    title: "Since the last sweep",
    description: "At most a sweepInterval, or longer where thousands of files lie idle.",
    unit: "s",
    expr: sinceLastSweep,
  },
  {
    title: "Sweep errors a minute",
    description: "Files that could not be removed, and sweeps that could not do their work.",
    unit: "short",
    expr: `60 * rate(${shm("sweep_errors_total", pods)}[$__rate_interval])`,
  },
];

export const cronJobPanels: PanelSpec[] = [
  {
    title: "Last run that succeeded",
    description: "How long ago.",
    unit: "s",
    decimals: 0,
    expr: `time() - kube_cronjob_status_last_successful_time{${cronJob}}`,
    legend: "ago",
  },
  {
    title: "Next run",
    description: "In how long. Below 0 it is late.",
    unit: "s",
    decimals: 0,
    thresholds: [
      { color: "red", value: null },
      { color: "green", value: 0 },
    ],
    expr: `kube_cronjob_next_schedule_time{${cronJob}} - time()`,
    legend: "in",
  },
  {
    title: "Failed runs kept",
    description: "Jobs that failed; Kubernetes keeps the last three.",
    unit: "short",
    thresholds: [green, { color: "orange", value: 1 }],
    expr: `sum(kube_job_failed{namespace="$namespace",job_name=~"${cronJobName}-.+",condition="true"}) or vector(0)`,
    legend: "failed",
  },
];
