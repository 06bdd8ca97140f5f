import { isDeepStrictEqual } from "node:util";
import { patchSetting, type JsonPatchOperation } from "./operations";

/** Longest value that is shown as it is, in characters. */
const shownLength = 80;

/**
 * What a change of an outpost's JSON patch adds (`+`), changes (`~`) and takes out (`-`), in order; empty where nothing changes.
 * Long values are shown by the names in them; of a changed one, what differs.
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

/** Whether two operations bring values of the same shape to the same place, so that what differs within them can be told. */
function isSamePlace(one: JsonPatchOperation, other: JsonPatchOperation): boolean {
  return (
    one.op === other.op &&
    one.path === other.path &&
    one.from === undefined &&
    isDeepStrictEqual(keys(one.value), keys(other.value))
  );
}

/** What a list's elements, or an object, are told apart by; undefined for all else. */
function keys(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value.every(nameIn) ? value.map(nameIn) : undefined;
  return nameIn(value) === undefined ? undefined : [nameIn(value)];
}

/** A line for each leaf that differs. */
function differences(old: unknown, now: unknown, at: string, path: string): string[] {
  if (isDeepStrictEqual(old, now)) return [];
  const [olds, nows] = [members(old), members(now)];
  if (!olds || !nows) return [`~ ${path} ${at}: ${shortened(old)} => ${shortened(now)}`];
  const names = [...new Set([...olds.keys(), ...nows.keys()])];
  return names.flatMap((name) => differences(olds.get(name), nows.get(name), at ? `${at}.${name}` : name, path));
}

/** What is in a value, by key; list elements by their name or place. Undefined for what has nothing in it. */
function members(value: unknown): Map<string, unknown> | undefined {
  if (Array.isArray(value)) return new Map(value.map((one, index) => [nameIn(one) ?? String(index), one as unknown]));
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}

/** A text of many lines, such as a script, by its length. */
function shortened(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length <= shownLength ? text : `(${text.length} characters)`;
}

/** The same as a text, under the setting's name. */
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

/** Operations that the first list does not have, each as often as it has fewer of them. */
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
