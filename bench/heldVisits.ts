import { setTimeout as delay } from "node:timers/promises";
import { inGroup, type Limits } from "./limits";
import { type Place, unixTime } from "./place";
import { runFind, type FindPolicy } from "./policies";
import { startSidecar, writeVisits } from "./processes";

export const loginCount = 1000;

/** One trial: new visits at a fixed rate for some time. */
export interface Trial {
  rate: number;
  /** Visits that found no space. */
  failed: number;
  loginsLost: number;
  /** Lifetime of the youngest visit that was removed; undefined if none was. */
  shortestVisitSeconds?: number;
  peakPercent?: number;
}

/**
 * Simulates an hour of visits under a find policy, in virtual time. Every file gets the mtime it would have, and every find
 * runs on schedule with the ages it would see. The time that writing takes does not count. The hour starts right after a
 * find, with the files that are left once the rate has lasted long enough.
 */
function findTrial(place: Place, policy: FindPolicy, rate: number): Trial {
  place.clear();
  const end = unixTime() - 10;
  const begin = end - 3600;
  place.logInMany(loginCount, begin);
  let failed = 0;
  let n = 0;
  const arriveUntil = (time: number, from: number) => {
    for (; from + n / rate < time; n++) if (!place.visit(n, from + n / rate)) failed++;
  };
  const first = begin - policy.maxAgeSeconds;
  for (let time = begin; time <= end; time += policy.intervalSeconds) {
    arriveUntil(time, first);
    runFind(policy, place.dir, time);
  }
  return { rate, failed, loginsLost: loginCount - place.loginsLeft(loginCount) };
}

/** Searches for the highest rate that a find policy holds without a failed write, to about one percent. */
export function findHeld(place: Place, policy: FindPolicy): Trial {
  const guess = (place.pages.total - loginCount) / (policy.maxAgeSeconds + policy.intervalSeconds);
  let [low, high] = [guess * 0.8, guess * 1.2];
  let best = findTrial(place, policy, low);
  for (let step = 0; step < 5; step++) {
    const trial = findTrial(place, policy, (low + high) / 2);
    if (trial.failed === 0) [low, best] = [trial.rate, trial];
    else high = trial.rate;
  }
  return best;
}

/**
 * Runs visits at a rate under the sidecar, in real time. The trial starts from the state after a sweep under pressure: usage
 * at the low watermark, and visits of the ages that follow from the rate. Everything repeats from one such sweep to the next.
 */
async function sidecarTrial(place: Place, rate: number, seconds: number, limits?: Limits): Promise<Trial> {
  place.clear();
  const now = unixTime();
  place.logInMany(loginCount, now);
  const before = Math.floor(place.pages.total * 0.6) - place.pages.used;
  for (let n = 0; n < before; n++) place.visit(n, now - (before - n) / rate);
  return inGroup(limits ?? {}, async (group) => {
    const sidecar = await startSidecar(place, limits && group);
    const trial = await flood(place, { first: before, rate, seconds });
    await sidecar.stop();
    return { ...trial, loginsLost: loginCount - place.loginsLeft(loginCount) };
  });
}

/** Writes visits at a rate, and watches the usage and how long the visits live. */
async function flood(place: Place, { first, rate, seconds }: { first: number; rate: number; seconds: number }) {
  const started = unixTime();
  const done = writeVisits(place, { first, rate, seconds });
  let running = true;
  void done.then(() => (running = false));
  let oldest = 0;
  let peakPercent = 0;
  let shortest: number | undefined;
  while (running) {
    await delay(100);
    const { used, total } = place.pages;
    peakPercent = Math.max(peakPercent, Math.floor((used * 100) / total));
    const bottom = oldest;
    while (!place.hasVisit(oldest) && oldest < first + rate * (unixTime() - started)) oldest++;
    if (oldest > bottom)
      shortest = Math.min(shortest ?? Infinity, unixTime() - (started + (oldest - 1 - first) / rate));
  }
  const { failed, seconds: took } = await done;
  return {
    rate: Math.round((rate * seconds) / Math.max(took, seconds)),
    failed,
    shortestVisitSeconds: shortest,
    peakPercent,
  };
}

/** Tries rates from low to high, up to the first that is not held. Returns all trials. */
export async function sidecarHeld(
  place: Place,
  rates: readonly number[],
  seconds: number,
  limits?: Limits,
): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const rate of rates) {
    const trial = await sidecarTrial(place, rate, seconds, limits);
    trials.push(trial);
    if (trial.failed > 0 || trial.loginsLost > 0) break;
  }
  return trials;
}
