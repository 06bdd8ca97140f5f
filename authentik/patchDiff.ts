import { isDeepStrictEqual } from "node:util";
import { patchSetting, type JsonPatchOperation } from "./operations";

/** Longest value that is shown in full, in characters. */
const shownLength = 80;

/**
 * Lists what a change of an outpost's JSON patch takes out (`-`), changes (`~`) and adds (`+`), in that order; empty if nothing
 * changes. Long values are shown by the names in them, and changed ones by their differences.
 */
export function patchChange(before: readonly JsonPatchOperation[], after: readonly JsonPatchOperation[]): string[] {
  const taken = missingFrom(after, before);
  const added = missingFrom(before, after);
  const pairs = taken.map((old) => ({ old, now: added.find((candidate) => isSamePlace(old, candidate)) }));
  const changed = pairs.flatMap(({ old, now }) => (now ? differences(old.value, now.value, "", old.path) : []));
  const gone = pairs.filter(({ now }) => !now).map(({ old }) => `- ${shown(old)}`);
  const come = added.filter((candidate) => !pairs.some(({ now }) => now === candidate));
  return [...gone, ...changed, ...come.map((operation) => `+ ${shown(operation)}`)];
}

/** Tells whether two operations bring values of the same shape to the same place, so that the difference can be shown. */
function isSamePlace(one: JsonPatchOperation, other: JsonPatchOperation): boolean {
  return (
    one.op === other.op &&
    one.path === other.path &&
    one.from === undefined &&
    isDeepStrictEqual(keys(one.value), keys(other.value))
  );
}

/** Returns the names that identify a list's elements, or an object; undefined for anything else. */
function keys(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value.every(nameIn) ? value.map(nameIn) : undefined;
  return nameIn(value) === undefined ? undefined : [nameIn(value)];
}

function differences(old: unknown, now: unknown, at: string, path: string): string[] {
  if (isDeepStrictEqual(old, now)) return [];
  const [olds, nows] = [members(old), members(now)];
  if (!olds || !nows) return [`~ ${path} ${at}: ${shortened(old)} => ${shortened(now)}`];
  const names = [...new Set([...olds.keys(), ...nows.keys()])];
  return names.flatMap((name) => differences(olds.get(name), nows.get(name), at ? `${at}.${name}` : name, path));
}

/** Returns the members of a value by key, and list elements by their name or place. Undefined for a value without members. */
function members(value: unknown): Map<string, unknown> | undefined {
  if (Array.isArray(value)) return new Map(value.map((one, index) => [nameIn(one) ?? String(index), one as unknown]));
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}

function shortened(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length <= shownLength ? text : `(${text.length} characters)`;
}

/** Formats the same as a text, under the setting's name. */
export function describePatchChange(
  outpost: string,
  before: readonly JsonPatchOperation[],
  after: readonly JsonPatchOperation[],
): string | undefined {
  const lines = patchChange(before, after);
  if (lines.length === 0) return undefined;
  return [`outpost "${outpost}": ${patchSetting} in authentik changes:`, ...lines.map((line) => `    ${line}`)].join(
    "\n",
  );
}

/** Returns the operations that the first list lacks, each as often as it lacks it. */
function missingFrom(
  first: readonly JsonPatchOperation[],
  second: readonly JsonPatchOperation[],
): JsonPatchOperation[] {
  const left = [...first];
  return second.filter((operation) => {
    const at = left.findIndex((candidate) => isDeepStrictEqual(candidate, operation));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

function shown({ op, path, from, value }: JsonPatchOperation): string {
  const what = from === undefined ? shownValue(value) : `from ${from}`;
  return [op, path, what].filter(Boolean).join(" ");
}

function shownValue(value: unknown): string {
  if (value === undefined) return "";
  const text = JSON.stringify(value);
  if (text.length <= shownLength) return text;
  const names = Array.isArray(value) ? value.map(nameIn) : [nameIn(value)];
  return names.every(Boolean) ? `(${names.join(", ")})` : `${text.slice(0, shownLength)}…`;
}

function nameIn(value: unknown): string | undefined {
  const name = typeof value === "object" && value !== null && "name" in value ? value.name : undefined;
  return typeof name === "string" ? name : undefined;
}
