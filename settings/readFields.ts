import type { Problems } from "./settingsError";
import type { Rows, ValuesOf } from "./row";
import { nearest } from "./values/nearest";

/** Config as it was given, with values of any type. */
export type Raw = Readonly<Record<string, unknown>>;

/** The key's full name in messages: `shmSize` of the stack, `outposts[1].shmSize` of an outpost. */
export function keyIn(place: string, key: string): string {
  return place === "" ? key : `${place}.${key}`;
}

/**
 * Reads the settings that are given at one place over the inherited ones. A wrong value is reported, and the inherited one
 * stands in for it, so that reading can go on to the next problem.
 * @param inherited default: the table's defaults
 */
export function readFields<R extends Rows>(
  rows: R,
  given: Raw,
  place: string,
  problems: Problems,
  inherited: ValuesOf<R> = defaultsOf(rows),
): ValuesOf<R> {
  const values = Object.entries(rows).map(([key, row]): [string, unknown] => {
    const standing = inherited[key as keyof R];
    if (!isGiven(given, key)) return [key, standing];
    const parsed = row.read(given[key]);
    if (!("wrong" in parsed)) return [key, parsed.value];
    problems.value(keyIn(place, key), given[key], parsed.wrong);
    return [key, standing];
  });
  // Each value comes from the reader of its own row, as ValuesOf states.
  return Object.fromEntries(values) as ValuesOf<R>;
}

/** Returns the default of every setting. A required one is empty. */
export function defaultsOf<R extends Rows>(rows: R): ValuesOf<R> {
  const values = Object.entries(rows).map(([key, row]): [string, unknown] => {
    if (row.default === undefined) return [key, ""];
    const parsed = row.read(row.default);
    if ("wrong" in parsed) throw new Error(`the default of ${key} ${parsed.wrong}`);
    return [key, parsed.value];
  });
  return Object.fromEntries(values) as ValuesOf<R>;
}

/** Leaves out the stack's keys that are empty only because Pulumi.yaml declares them so. */
export function withoutUnset(rows: Rows, raw: Raw): Raw {
  return Object.fromEntries(Object.entries(raw).filter(([key, value]) => !(value === "" && rows[key]?.toldApart)));
}

/** Tells whether the place sets the key. */
export function isGiven(given: Raw, key: string): boolean {
  return given[key] !== undefined;
}

/** Keys of former versions, with advice. */
export const retired = new Map([
  [
    "nativeSidecar",
    "every sidecar is a native one; take the key out, and before Kubernetes 1.29 set solution to cronjob",
  ],
]);

/**
 * Reports unknown keys, with the nearest known one, else with the advice given here, else with all of them. Their values are
 * left out: a mistyped `authentikToken` may hold the token in plain text.
 */
export function reportUnknownKeys(
  given: Raw,
  known: readonly string[],
  place: string,
  problems: Problems,
  advise: (key: string) => string | undefined = (key) => retired.get(key),
): void {
  for (const key of Object.keys(given).filter((each) => !known.includes(each))) {
    const near = nearest(key, known);
    const advice = near ? `did you mean ${near}?` : (advise(key) ?? `the keys are ${known.join(", ")}`);
    const shown = /^[\w.-]+$/.test(key) ? key : JSON.stringify(key);
    problems.line(keyIn(place, shown), `unknown key; ${advice}`);
  }
}
