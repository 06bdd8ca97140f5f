import { setTimeout as delay } from "node:timers/promises";
import { loginCount } from "./heldVisits";
import { inGroup, type Limits } from "./limits";
import { type Place, unixTime } from "./place";
import { runFind, type FindPolicy } from "./policies";
import { startSidecar } from "./processes";

/** Fills the place with visits as fast as this machine can. Returns the number of the first that found no space. */
function fill(place: Place, savedAt?: number): number {
  let n = 0;
  while (place.visit(n, savedAt)) n++;
  return n;
}

/**
 * Measures the seconds from full to the next visit that can be saved under a find policy, in virtual time. A flood fills the
 * place a second after a find. The finds that follow run on schedule, with the ages they would see.
 */
export function findRecovery(place: Place, policy: FindPolicy): number {
  place.clear();
  const full = unixTime() - 2 * policy.maxAgeSeconds - policy.intervalSeconds;
  const next = fill(place, full);
  for (let time = full - 1 + policy.intervalSeconds; ; time += policy.intervalSeconds) {
    runFind(policy, place.dir, time);
    if (place.visit(next)) return time - full;
  }
}

/** Measures the same under the sidecar, in real time. The sidecar is idle before the flood. */
export async function sidecarRecovery(place: Place, limits?: Limits): Promise<number> {
  place.clear();
  place.logInMany(loginCount, unixTime());
  return inGroup(limits ?? {}, async (group) => {
    const sidecar = await startSidecar(place, limits && group);
    const next = fill(place);
    const full = performance.now();
    while (!place.visit(next)) await delay(10);
    const seconds = (performance.now() - full) / 1000;
    await sidecar.stop();
    return seconds;
  });
}
