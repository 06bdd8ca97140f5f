import { sweepDefault } from "../cleaner/scriptNumbers";
import { formatDuration, parseDuration, seconds } from "./values/duration";
import { parseLabels } from "./values/kubernetes";
import { fromText, type Parsed, parseBoolean, parseInteger } from "./values/parsed";

/** One setting. `npm run generate` writes Pulumi.yaml and docs/settings.md from its row; a new setting is a new row. */
export interface Row<T> {
  /**
   * The default as an operator writes it. Empty text means not set, undefined means required. Pulumi.yaml declares the same
   * default, since the engine refuses a stack that lacks a key declared without one.
   */
  readonly default?: string | number | boolean;
  /** Checks a value and turns it into its one canonical form. */
  readonly read: (value: unknown) => Parsed<T>;
  /** Its meaning, in Markdown, with the bounds. */
  readonly text: string;
  /** Condition under which a change restarts the outpost's pods. Default: never. */
  readonly restartsPods?: string;
  /** The TypeScript type of the component's argument. Default: that of the default value. */
  readonly type?: string;
  /** True if a value of the stack must be told from the default: Pulumi.yaml then declares empty text, which means not set. */
  readonly toldApart?: true;
  /** The sweep's own name of it, and its value for cleaner/sweep.sh. */
  readonly shell?: { readonly name: string; value(value: T): number };
}

export type Rows = Readonly<Record<string, Row<unknown>>>;
export type ValuesOf<R extends Rows> = { -readonly [K in keyof R]: R[K] extends Row<infer T> ? T : never };

type Rest<T> = Omit<Row<T>, "default" | "read">;

/** Makes a row, whose values have the type that its reader gives them. */
export function row<T>(row: Row<T>): Row<T> {
  return row;
}

/** Makes the row of a switch. */
export const flag = (standard: boolean, rest: Rest<boolean>) => row({ default: standard, read: parseBoolean, ...rest });

/** Makes the row of a duration between two bounds, both included. */
export function duration(standard: string, [shortest, longest]: [string, string], rest: Rest<string>) {
  const read = fromText((text): Parsed<string> => {
    const parsed = parseDuration(text, shortest, longest);
    return "wrong" in parsed ? parsed : { value: formatDuration(parsed.value) };
  });
  return row({ default: standard, read, ...rest });
}

/** Makes the row of a duration of the sweep, whose script has the default. */
export const sweepDuration = (name: string, bounds: [string, string], rest: { text: string }) =>
  duration(formatDuration(sweepDefault(name)), bounds, { ...rest, shell: { name, value: seconds } });

/** Makes the row of a percentage of the sweep, whose script has the default. */
export const sweepPercent = (name: string, rest: { text: string }) =>
  percent(sweepDefault(name), { ...rest, shell: { name, value: Number } });

export function percent(standard: number, rest: Rest<number>) {
  const read = (value: unknown): Parsed<number> => {
    const parsed = parseInteger(value, 1, 99);
    return "wrong" in parsed ? { wrong: `${parsed.wrong} (percent, without a sign)` } : parsed;
  };
  return row({ default: standard, read, ...rest });
}

/** Makes the row of labels or annotations. Default: none. */
export const labels = (rest: { text: string }) =>
  row({ default: "", type: "Record<string, string>", read: parseLabels, ...rest });

/** Makes the row of a text that need not be set. */
export const optional = (read: (value: unknown) => Parsed<string>, rest: { text: string }) =>
  row({
    default: "",
    read: (value): Parsed<string | undefined> => (value === "" ? { value: undefined } : read(value)),
    ...rest,
  });
