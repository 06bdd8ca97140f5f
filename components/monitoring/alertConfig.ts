// What the alerts are tuned by and no setting changes. Seconds, unless a name says otherwise.

/** Severities as kubernetes-mixin uses them: `critical` is for whoever is on call now, `warning` for the working day. */
export type Severity = "warning" | "critical";

/** Over which a sidecar has to be up for half of the time, in seconds. */
export const upLookback = 600;

/** How long a condition has to hold before its alert fires, as Prometheus writes durations. */
export const patience = {
  // A sweep answers the high watermark within seconds: what is still above after minutes, it can't bring down.
  usageWarning: "5m",
  usageCritical: "2m",
  // Longer than a wave of visitors takes to pass.
  sessionFiles: "15m",
  sweepErrors: "5m",
  sweepStalled: "5m",
  loginsEvicted: "1m",
  // Longer than a flood takes to reach the high watermark, where the sweep ends its growth.
  fillingUp: "15m",
  // Longer than a rollout takes.
  targetMissing: "10m",
  cronJobFailed: "1m",
  cronJobNotRun: "5m",
};

/** Sweeps that have to be missing. */
export const missedSweeps = 3;

/** Shortest interval that is counted with: on 50m of CPU a sweep of many files takes longer than a `sweepInterval` of a few seconds. */
export const shortestInterval = 30;

/** How far back errors are counted, unless two sweeps take longer: one error is told of for so long. */
export const errorsLookback = 3600;

/** How far back evicted logins are counted. */
export const evictionsLookback = 900;

/** How far ahead a full /dev/shm is predicted, from how much of the past, and from how many sweeps at least. */
export const prediction = { ahead: 3600, past: 1800, sweeps: 4 };

/** Percent in use below which nothing is predicted: on a nearly empty /dev/shm a few visitors are a steep line. */
export const predictedFromPercent = 50;
