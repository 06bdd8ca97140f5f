import type { Sessions } from "../pods/usageSources";
import type { PodCleanup } from "./sweepPod";

/** Totals over all pods. */
export interface Total {
  removed: Sessions;
  files: number;
  freedBytes: number;
  errors: number;
  /** Pods whose sweep worked, and those whose sweep failed. */
  swept: number;
  failed: number;
}

export function totalOf(results: PodCleanup[]): Total {
  const swept = results.filter(({ removed }) => removed !== undefined);
  const over = (number: (result: PodCleanup) => number | undefined): number =>
    swept.reduce((sum, result) => sum + (number(result) ?? 0), 0);
  const removed = {
    anonymous: over(({ removed }) => removed?.anonymous),
    authenticated: over(({ removed }) => removed?.authenticated),
    debris: over(({ removed }) => removed?.debris),
  };
  return {
    removed,
    files: removed.anonymous + removed.authenticated + removed.debris,
    freedBytes: over(freedBytes),
    errors: over(({ errors }) => errors),
    swept: swept.length,
    failed: results.length - swept.length,
  };
}

/** Never negative, though sessions that arrive meanwhile may take up more than was freed. */
export const freedBytes = ({ usedBytesBefore = 0, usedBytesAfter = 0 }: PodCleanup): number =>
  Math.max(0, usedBytesBefore - usedBytesAfter);
