/** Selects a series of the sidecar: `shm("used_bytes", 'namespace="authentik"')`. */
export const shm = (metric: string, selector: string): string => `authentik_outpost_shm_${metric}{${selector}}`;

/** Writes a range as Prometheus does, in its largest whole unit. */
export function range(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}
