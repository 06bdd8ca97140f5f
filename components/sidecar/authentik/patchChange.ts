import { isDeepStrictEqual } from "node:util";
import { patchSetting, type JsonPatchOperation } from "./operations";

/** Longest value that is shown as it is, in characters. */
const shownLength = 80;

/**
 * What a change of an outpost's JSON patch adds (`+`) and takes out (`-`), a line an operation, in order; empty where nothing
 * changes. Long values are shown by the names in them.
 */
export function patchChange(before: readonly JsonPatchOperation[], after: readonly JsonPatchOperation[]): string[] {
  const taken = missingFrom(after, before).map((operation) => `- ${shown(operation)}`);
  const added = missingFrom(before, after).map((operation) => `+ ${shown(operation)}`);
  return [...taken, ...added];
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

function nameIn(value: unknown): unknown {
  return typeof value === "object" && value !== null && "name" in value ? value.name : undefined;
}
