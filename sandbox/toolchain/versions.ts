// Version numbers as Go and Pulumi print them.

/** Major, minor, patch. */
export type Version = readonly [number, number, number];

/** Parses "go1.26.8", "v3.259.0" or "1.24"; undefined for others such as "devel +abc". A pre-release counts as its release. */
export function parseVersion(text: string): Version | undefined {
  const match = /^\s*(?:go|v)?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}

/** Returns a negative number, zero or a positive number if `a` is older than, equal to or newer than `b`. */
export function compareVersions(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
