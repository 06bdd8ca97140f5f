import type { SweepSettings } from "./settings";

/** The settings of a sweep as the `KEY=value` pairs that `cleaner/` reads, in a fixed order (seconds and percents). */
export function sweepVariables(sweep: SweepSettings): string[] {
  return [
    `SWEEP_INTERVAL_SECONDS=${sweep.sweepIntervalSeconds}`,
    `ANONYMOUS_MAX_AGE_SECONDS=${sweep.anonymousMaxAgeSeconds}`,
    `AUTHENTICATED_MAX_AGE_SECONDS=${sweep.authenticatedMaxAgeSeconds}`,
    `HIGH_WATERMARK_PERCENT=${sweep.highWatermarkPercent}`,
    `LOW_WATERMARK_PERCENT=${sweep.lowWatermarkPercent}`,
  ];
}
