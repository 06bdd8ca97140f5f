import { outpostContainer } from "../../authentik/names";
import { operationError, unlessInvalid, type JsonPatchOperation } from "../../authentik/operations";
import { settingsVariable, sidecarContainer } from "../../cleaner/names";
import type { PodFragment } from "../podFragment";
import { rewriteList, valueAt, type Slot } from "./listRewrite";
import { initContainers, mounts, podLists, volumes, type PodList } from "./podLists";
import { withServerDefaults } from "./serverDefaults";
import { unwrapAddition } from "./wholeContainers";

/** An outpost's JSON patch with our part in it. */
export interface Composition {
  operations: JsonPatchOperation[];
  /** Hand-pasted parts that are ours from now on, such as "volume dshm"; empty if there were none. */
  adopted: string[];
}

/** Returns our part of a pod spec as one addition each, with the server's defaults. */
export function ownPart(fragment: PodFragment): JsonPatchOperation[] {
  const spec = withServerDefaults(fragment);
  const outpost = spec.containers.find(({ name }) => name === outpostContainer);
  return [
    ...elements(volumes, spec.volumes),
    ...elements(mounts, outpost?.volumeMounts ?? []),
    ...elements(initContainers, spec.initContainers),
  ];
}
const elements = (list: PodList, values: readonly unknown[]): JsonPatchOperation[] =>
  values.map((value) => ({ op: "add", path: `${list.path}/-`, value }));

/**
 * Merges our part into the operations that an outpost has. Parts that are there already are updated in place. New ones go to
 * the end, into the list that another patch made or into one of our own. A hand-pasted patch is adopted: it is taken out, and
 * ours put in. Everything that is not ours stays as it was, in order.
 * @param part as {@link ownPart} makes it
 * @throws JsonPatchError if the operations can't be applied to authentik's Deployment, or need the place that is ours
 */
export function compose(existing: readonly JsonPatchOperation[], part: readonly JsonPatchOperation[]): Composition {
  const unwrapped = unwrapAddition(existing);
  // If our sidecar is there, anything with our names is ours, edited or not.
  if (!unwrapped.some(readsOurSettings)) refuseConflicts(unwrapped);
  const adopted = handPasted(unwrapped);
  let operations = adopted.length > 0 ? withoutOurs(unwrapped) : unwrapped;
  for (const list of podLists) operations = join(operations, list, elementsOf(part, list));
  return { operations, adopted };
}

/** Returns the operations without ours. A list that we made and others add to stays, empty, for theirs. */
export function withoutOurs(operations: readonly JsonPatchOperation[]): JsonPatchOperation[] {
  return podLists.reduce(
    (left, list) => rewriteList(left, list, () => undefined).operations,
    unwrapAddition(operations),
  );
}

/**
 * Does the same even if others' operations can't all be applied. Indexes are not renumbered then: authentik can't apply them
 * either.
 */
export function withoutOursAnyway(operations: readonly JsonPatchOperation[]): JsonPatchOperation[] {
  return unlessInvalid(
    () => withoutOurs(operations),
    () => operations.flatMap(withoutOwnElements),
  );
}

function withoutOwnElements(operation: JsonPatchOperation): JsonPatchOperation[] {
  const { path, value } = operation;
  for (const list of podLists) {
    const isOwn = (element: unknown) => list.ownName(element) !== undefined;
    if (path === `${list.path}/-` && isOwn(value)) return [];
    if (path !== list.path || !Array.isArray(value) || !value.some(isOwn)) continue;
    const left = value.filter((element) => !isOwn(element)) as unknown[];
    return left.length > 0 ? [{ ...operation, value: left }] : [];
  }
  return [operation];
}

/**
 * Returns our part as one addition each, whatever its form among others'. Previews show this form, and it reveals an edit in
 * authentik's Admin UI.
 */
export function ownAdditions(operations: readonly JsonPatchOperation[]): JsonPatchOperation[] {
  const unwrapped = unwrapAddition(operations);
  return podLists.flatMap((list) => {
    const { slots = [] } = rewriteList(unwrapped, list, identity);
    const own = slots.flatMap((slot) => (slot.own === undefined ? [] : [slot.value]));
    return elements(list, own);
  });
}

const identity = (_name: string, value: unknown): unknown => value;

/** Merges our elements into one list: those in force are updated in place, all others taken out, and missing ones appended. */
function join(operations: JsonPatchOperation[], list: PodList, wanted: unknown[]): JsonPatchOperation[] {
  const { slots = [], occurrences } = rewriteList(operations, list, identity);
  const inForce = (name: string) => slots.some(({ own }) => own === name) && occurrences.get(name) === 1;
  const byName = new Map(wanted.map((value) => [list.ownName(value), value]));
  const rewritten = rewriteList(operations, list, (name) => (inForce(name) ? byName.get(name) : undefined));
  const present = rewritten.slots?.map(({ own }) => own) ?? [];
  const missing = wanted.filter((value) => !present.includes(list.ownName(value)));
  return [...rewritten.operations, ...additions(list, rewritten.slots, missing)];
}

function additions(list: PodList, slots: readonly Slot[] | undefined, values: unknown[]): JsonPatchOperation[] {
  if (values.length === 0) return [];
  if (!slots) return [{ op: "add", path: list.path, value: values }];
  return values.map((value) => ({ op: "add", path: `${list.path}/-`, value }));
}

/** Returns the elements for a list, out of a part as {@link ownPart} makes it. */
export const elementsOf = (part: readonly JsonPatchOperation[], list: PodList): unknown[] =>
  part.filter(({ path }) => path === `${list.path}/-`).map(({ value }) => value);

/**
 * Returns the hand-pasted elements under our names. The sidecar beside them, if any, is not the one that reads our settings.
 */
function handPasted(operations: JsonPatchOperation[]): string[] {
  const found = ownAdditions(operations);
  if (found.some(readsOurSettings)) return [];
  return found.map(({ path, value }) => {
    const list = podLists.find((candidate) => path === `${candidate.path}/-`)!;
    return `${list.kind} ${list.ownName(value)}`;
  });
}

/** Tells whether an operation brings the sidecar that we made, not a hand-pasted one. */
export function readsOurSettings({ value }: Pick<JsonPatchOperation, "value">): boolean {
  return (Array.isArray(value) ? value : [value]).some(isOurSidecar);
}

function isOurSidecar(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { name, env } = value as { name?: string; env?: { name?: string }[] };
  return name === sidecarContainer && (env ?? []).some((variable) => variable.name === settingsVariable);
}

/**
 * Refuses operations that need a place of ours.
 * @throws JsonPatchError if one brings a foreign element to a place that the sidecar needs
 */
function refuseConflicts(operations: readonly JsonPatchOperation[]): void {
  for (const [index, { path, value }] of operations.entries()) {
    for (const list of podLists) {
      const conflict = elementsAt(path, value, list)
        .map((element) => list.conflict?.(element))
        .find(Boolean);
      if (conflict)
        throw operationError(
          index,
          `adds ${conflict}: that place is the sidecar's; take the operation out in authentik`,
        );
    }
  }
}

/** Returns the elements that an operation brings to a list: all of it, one of it, or those in a value above it. */
function elementsAt(path: string, value: unknown, list: PodList): unknown[] {
  if (new RegExp(`^${list.path}/[^/]+$`).test(path)) return [value];
  if (path !== list.path && !list.path.startsWith(`${path}/`)) return [];
  const elements = valueAt(value, list.path.slice(path.length).split("/").slice(1));
  return Array.isArray(elements) ? (elements as unknown[]) : [];
}
