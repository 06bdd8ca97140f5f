import type { Row } from "./row";
import type { SweepSettings } from "./types";
import { outpostRows } from "./table";

/** Returns the settings of a sweep as the `KEY=value` pairs that `cleaner/` reads, in a fixed order (seconds and percents). */
export function sweepVariables(settings: SweepSettings): string[] {
  return Object.entries(outpostRows as Record<string, Row<unknown>>).flatMap(([key, { shell }]) =>
    shell ? [`${shell.name}=${shell.value(settings[key as keyof SweepSettings])}`] : [],
  );
}
