const units = ["", "Ki", "Mi", "Gi", "Ti"];

/** Formats bytes as Kubernetes writes them, to three figures: 4096 as `4Ki`, 226492416 as `216Mi`, 1100 as `1.07Ki`. */
export function formatBytes(bytes: number): string {
  let power = 0;
  let count = bytes;
  while (count >= 1024 && power < units.length - 1) {
    count /= 1024;
    power += 1;
  }
  return `${count >= 1000 ? Math.round(count) : Number(count.toPrecision(3))}${units[power]}`;
}

export const secondsSince = (time: Date | string, now: Date): number =>
  (now.getTime() - new Date(time).getTime()) / 1000;

/** Formats an age as kubectl does (HumanDuration of k8s.io/apimachinery): `90s`, `3m5s`, `45m`, `5h30m`, `30h`, `3d`. */
export function formatAge(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [minutes, hours, days] = [Math.floor(whole / 60), Math.floor(whole / 3600), Math.floor(whole / 86_400)];
  if (minutes < 2) return `${whole}s`;
  if (minutes < 10) return both(minutes, "m", whole % 60, "s");
  if (hours < 3) return `${minutes}m`;
  if (hours < 8) return both(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  return days < 8 ? both(days, "d", hours % 24, "h") : `${days}d`;
}

const both = (first: number, unit: string, second: number, smaller: string): string =>
  `${first}${unit}${second === 0 ? "" : `${second}${smaller}`}`;

/** `1 pod`, `2 pods`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
