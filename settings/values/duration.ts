import type { Parsed } from "./parsed";

/**
 * Reads a duration as Go and Kubernetes write it, whole seconds only (`90s`, `60m`, `24h`, `1h30m`), or as authentik does
 * (`hours=24`, `weeks=4`, `days=1;hours=12`).
 * @returns seconds, within the bounds (both included, written the same way)
 */
export function parseDuration(text: string, shortest: string, longest: string): Parsed<number> {
  const seconds = secondsOf(text);
  if (seconds === undefined)
    return { wrong: `${flawOf(text)}; write e.g. 90s, 60m, 24h or 1h30m, or as in authentik hours=24` };
  if (seconds < (secondsOf(shortest) ?? 0)) return { wrong: `is too short; the shortest is ${shortest}` };
  if (seconds > (secondsOf(longest) ?? Infinity)) return { wrong: `is too long; the longest is ${longest}` };
  return { value: seconds };
}

/** Writes seconds the way they are configured: 90 as `1m30s`, 86400 as `24h`. */
export function formatDuration(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 3600), "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const written = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`);
  return written.join("") || "0s";
}

/** Converts a setting's duration to seconds. */
export const seconds = (duration: string): number => secondsOf(duration) ?? NaN;

/** Seconds of a unit in authentik's durations (authentik/lib/utils/time.py), those below a second left out. */
const authentikUnits: Record<string, number> = { weeks: 604_800, days: 86_400, hours: 3_600, minutes: 60, seconds: 1 };

function secondsOf(text: string): number | undefined {
  if (text.includes("=")) return secondsOfParts(text.split(";"));
  const match = /^(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?$/.exec(text);
  if (match === null || text === "") return undefined;
  const [hours, minutes, seconds] = match.slice(1).map((count) => Number(count ?? 0)) as [number, number, number];
  return hours * 3600 + minutes * 60 + seconds;
}

function secondsOfParts(parts: string[]): number | undefined {
  const seconds = parts.map((part) => {
    const [, unit = "", count] = /^(\w+)=\s*(\d{1,9})$/.exec(part.trim()) ?? [];
    return (authentikUnits[unit.toLowerCase()] ?? NaN) * Number(count);
  });
  const sum = seconds.reduce((total, each) => total + each, 0);
  return Number.isNaN(sum) ? undefined : sum;
}

function flawOf(text: string): string {
  if (/^-?\d+(\.\d+)?$/.test(text)) return "has no unit";
  const days = /^(\d{1,4})d$/.exec(text);
  if (days) return `counts in days, and the units are h, m and s (${Number(days[1]) * 24}h)`;
  return "is no duration";
}
