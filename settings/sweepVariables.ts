import type { Row } from "./row";
import type { SweepSettings } from "./types";
import { outpostRows } from "./table";

const rows = Object.entries(outpostRows as Record<string, Row<unknown>>);

/** The settings of a sweep. */
export const sweepKeys = rows.flatMap(([key, { shell }]) => (shell ? [key as keyof SweepSettings] : []));

/** Returns the settings of a sweep as the `KEY=value` pairs that `cleaner/` reads, in a fixed order (seconds and percents). */
export function sweepVariables(settings: SweepSettings): string[] {
  return rows.flatMap(([key, { shell }]) =>
    shell ? [`${shell.name}=${shell.value(settings[key as keyof SweepSettings])}`] : [],
  );
}
