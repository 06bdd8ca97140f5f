import { cleanerScripts } from "./scripts";

// Numbers that the scripts and TypeScript share. They are read from the scripts.

const { sweep, sidecar } = cleanerScripts();

/** After a sweep that removed nothing the sidecar pauses a second for so many files, if that is longer than its interval. */
export const idleFilesPerSecond = constant(sidecar, "IDLE_FILES_PER_SECOND");

/** Age in seconds. A younger visitor is on the way to the login page, which needs the session. */
export const pressureFloor = constant(sweep, "PRESSURE_FLOOR");

/** Percent of usage from which the sweep removes logins too. */
export const loginPercent = constant(sweep, "LOGIN_PERCENT");

/** Returns the default of one of the sweep's settings, in seconds or percent. */
export const sweepDefault = (variable: string): number => constant(sweep, variable);

/** The port of the sidecar's metrics. */
export const metricsPort = constant(sidecar, "METRICS_PORT");

/** Reads `NAME=1`, also as the default in `${NAME:=1}`. */
function constant(script: string, name: string): number {
  const [, value] = new RegExp(`(?:^|[ {])${name}:?=(\\d+)`, "m").exec(script) ?? [];
  if (value === undefined) throw new Error(`cleaner/ has no constant ${name}`);
  return Number(value);
}
