// Values that tune the alerts and that no setting changes. Seconds, unless a name says otherwise.

/** Severities as kubernetes-mixin uses them: `critical` is for the person on call now, `warning` for the working day. */
export type Severity = "warning" | "critical";

/** Period in which a sidecar has to be up for half of the time, in seconds. */
export const upLookback = 600;

/** Time for which a condition has to hold before its alert fires, as Prometheus writes durations. */
export const patience = {
  // A sweep reacts to the high watermark within seconds. If usage is still above it after minutes, the sweep can't bring it
  // down.
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

/** Number of sweeps that have to be missing. */
export const missedSweeps = 3;

/**
 * Shortest interval that is assumed. On 250m of CPU a sweep of many files takes longer than a `sweepInterval` of a few seconds.
 */
export const shortestInterval = 30;

/** Period over which errors are counted, unless two sweeps take longer. One error is reported for that long. */
export const errorsLookback = 3600;

/** Period over which evicted logins are counted. */
export const evictionsLookback = 900;

/** Prediction of a full /dev/shm: how far ahead, from how much of the past, and from how many sweeps at least. */
export const prediction = { ahead: 3600, past: 1800, sweeps: 4 };

/** Percent in use below which nothing is predicted: on a nearly empty /dev/shm a few visitors are a steep line. */
export const predictedFromPercent = 50;
