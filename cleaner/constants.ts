import { cleanerScripts } from "./scripts";

// Numbers that the scripts and TypeScript share. The scripts have them; here they are read.

const { sweep, sidecar } = cleanerScripts();

/** After a sweep that removed nothing the sidecar pauses a second for so many files, if that is longer than its interval. */
export const idleFilesPerSecond = constant(sidecar, "IDLE_FILES_PER_SECOND");

/** Seconds. A younger visitor is on the way to the login page, which needs the session. */
export const pressureFloor = constant(sweep, "PRESSURE_FLOOR");

/** Percent of usage from which the sweep gives up logins. */
export const loginPercent = constant(sweep, "LOGIN_PERCENT");

/** The value of one of the sweep's settings that holds without any, in seconds or percent. */
export const sweepDefault = (variable: string): number => constant(sweep, variable);

/** The port of the sidecar's metrics. */
export const metricsPort = constant(sidecar, "METRICS_PORT");

/** Reads `NAME=1`, also as the default in `${NAME:=1}`. */
function constant(script: string, name: string): number {
  const [, value] = new RegExp(`(?:^|[ {])${name}:?=(\\d+)`, "m").exec(script) ?? [];
  if (value === undefined) throw new Error(`cleaner/ has no constant ${name}`);
  return Number(value);
}
