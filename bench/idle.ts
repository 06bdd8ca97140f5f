import { setTimeout as delay } from "node:timers/promises";
import { idleFilesPerSecond, sweepDefault } from "../cleaner/scriptNumbers";
import { containerLimits, inGroup } from "./limits";
import { type Place, unixTime } from "./place";
import { cpuSeconds, podShell, startSidecar, sweepCommand } from "./processes";

export interface IdleHour {
  files: number;
  sweepsPerHour: number;
  cpuSecondsPerSweep: number;
  /** CPU of the loop alone, which checks the usage and waits. */
  cpuSecondsPerHourOfLoop: number;
  /** CPU of both together. */
  cpuSeconds: number;
}

export interface PeakMemory {
  files: number;
  what: string;
  bytes: number;
}

/** Saves half logins of some hours, half visits of some minutes. Nothing is due, but only reading the logins shows that. */
function populate(place: Place, files: number): void {
  place.clear();
  const now = unixTime();
  for (let n = 0; n < files; n++) {
    if (n % 2) place.login(n, now - 7200 - (n % 50_000));
    else place.visit(n, now - 60 - (n % 1200));
  }
}

/** Measures the mean of several sweeps: `times` counts in hundredths of a second, and one sweep takes only a few. */
function cpuSecondsPerSweep(settings: readonly string[]): number {
  const each = `i=0; while [ $i -lt ${sweepsMeasured} ]; do "$@" || exit; i=$((i + 1)); done`;
  const command = ["/bin/sh", "-c", each, "sh", ...sweepCommand(podShell, settings)];
  return cpuSeconds(command, { path: podShell.path }) / sweepsMeasured;
}
const sweepsMeasured = 20;

/**
 * Adds up an hour in which nothing is due. The CPU of the loop is measured over some seconds without a sweep and scaled to
 * an hour. The CPU of one sweep is multiplied by the sweeps that the loop would start in an hour.
 */
export async function idleHour(place: Place, files: number, seconds: number): Promise<IdleHour> {
  populate(place, files);
  const settings = [`SHM_DIR=${place.dir}`, `METRICS_DIR=${place.metrics}`];
  const perSweep = cpuSecondsPerSweep(settings);
  const interval = sweepDefault("SWEEP_INTERVAL_SECONDS");
  const sweepsPerHour = 3600 / Math.max(interval, Math.floor(files / idleFilesPerSecond));
  const loop = await inGroup({}, async (group) => {
    const sidecar = await startSidecar(place, group, { SWEEP_INTERVAL_SECONDS: "3600" });
    const before = group.cpuSeconds();
    await delay(seconds * 1000);
    const used = group.cpuSeconds() - before;
    await sidecar.stop();
    return (used / seconds) * 3600;
  });
  return {
    files,
    sweepsPerHour,
    cpuSecondsPerSweep: perSweep,
    cpuSecondsPerHourOfLoop: loop,
    cpuSeconds: loop + sweepsPerHour * perSweep,
  };
}

/** Measures the peak memory of the sidecar and its sweep together, as their control group counts it. */
export async function peakMemory(place: Place, files: number, what: "idle" | "under pressure"): Promise<PeakMemory> {
  populate(place, files);
  const watermarks: Record<string, string> =
    what === "idle" ? { HIGH_WATERMARK_PERCENT: "100" } : { HIGH_WATERMARK_PERCENT: "2", LOW_WATERMARK_PERCENT: "1" };
  const bytes = await inGroup({ memoryBytes: containerLimits.memoryBytes }, async (group) => {
    const sidecar = await startSidecar(place, group, watermarks);
    await sidecar.stop();
    return group.peakBytes();
  });
  return { files, what, bytes };
}
