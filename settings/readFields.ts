import { nearest } from "./values/nearest";
import type { Field, ValuesOf } from "./table";
import type { Problems } from "./problems";

/** Config as it was given: an object of anything. */
export type Raw = Readonly<Record<string, unknown>>;

type Fields = Readonly<Record<string, Field<unknown>>>;

/** The key's full name in messages: `shmSize` of the stack, `outposts[1].shmSize` of an outpost. */
export function keyIn(place: string, key: string): string {
  return place === "" ? key : `${place}.${key}`;
}

/** The values of fields nobody has set. */
export function defaultsOf<F extends Fields>(fields: F): ValuesOf<F> {
  return mapFields(fields, (key, field) => {
    const parsed = field.parse(field.default);
    if ("wrong" in parsed) throw new Error(`the default of ${key} ${parsed.wrong}`);
    return parsed.value;
  });
}

/**
 * Reads the fields that are given at one place over those inherited. A wrong value is reported and the inherited one
 * stands in for it, so that reading can go on to the next problem.
 */
export function readFields<F extends Fields>(
  fields: F,
  given: Raw,
  inherited: ValuesOf<F>,
  place: string,
  problems: Problems,
): ValuesOf<F> {
  return mapFields(fields, (key, field) => {
    const standing = inherited[key];
    if (!isGiven(given, key)) return standing;
    const parsed = field.parse(given[key]);
    if (!("wrong" in parsed)) return parsed.value;
    problems.value(keyIn(place, key), given[key], parsed.wrong);
    return standing;
  });
}

/** Whether a place says anything about a key. */
export function isGiven(given: Raw, key: string): boolean {
  return given[key] !== undefined;
}

/**
 * Reports keys nobody knows, with the nearest known one, else with the advice given here, else with all of them. Their values stay unsaid: a mistyped `authentikToken` may hold the token in plain text.
 */
export function reportUnknownKeys(
  given: Raw,
  known: readonly string[],
  place: string,
  problems: Problems,
  advise: (key: string) => string | undefined = () => undefined,
): void {
  for (const key of Object.keys(given).filter((each) => !known.includes(each))) {
    const near = nearest(key, known);
    const advice = near ? `did you mean ${near}?` : (advise(key) ?? `the keys are ${known.join(", ")}`);
    const shown = /^[\w.-]+$/.test(key) ? key : JSON.stringify(key);
    problems.line(keyIn(place, shown), `unknown key; ${advice}`);
  }
}

function mapFields<F extends Fields>(
  fields: F,
  valueOf: (key: keyof F & string, field: Field<unknown>) => unknown,
): ValuesOf<F> {
  const values = Object.entries(fields).map(([key, field]) => [key, valueOf(key, field)]);
  // Each value comes from the parser of its own field, which is what ValuesOf says.
  return Object.fromEntries(values) as ValuesOf<F>;
}
