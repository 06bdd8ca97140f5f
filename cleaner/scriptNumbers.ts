import { cleanerScripts } from "./scripts";

// Numbers that the scripts and TypeScript share. They are read from the scripts.

const { files } = cleanerScripts();

/** After a sweep that removed nothing the sidecar pauses a second for so many files, if that is longer than its interval. */
export const idleFilesPerSecond = constant("sidecar.sh", "IDLE_FILES_PER_SECOND");

/** Age in seconds. A younger visitor is on the way to the login page, which needs the session. */
export const pressureFloor = constant("sweep.sh", "PRESSURE_FLOOR");

/** Percent of usage from which the sweep removes logins too. */
export const loginPercent = constant("sweep.sh", "LOGIN_PERCENT");

/** Returns the default of one of the sweep's settings, in seconds or percent. */
export const sweepDefault = (variable: string): number => constant("sweep.sh", variable);

/** The port of the sidecar's metrics. */
export const metricsPort = constant("sidecar.sh", "METRICS_PORT");

/** Reads `NAME=1`, also as the default in `${NAME:=1}`. */
function constant(file: string, name: string): number {
  const [, value] = new RegExp(`(?:^|[ {])${name}:?=(\\d+)`, "m").exec(files[file] ?? "") ?? [];
  if (value === undefined) throw new Error(`cleaner/${file} has no constant ${name}`);
  return Number(value);
}
