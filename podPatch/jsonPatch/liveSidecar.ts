import { outpostContainer } from "../../authentik/names";
import type { JsonPatchOperation } from "../../authentik/operations";
import type { Deployment } from "../../kubernetes/types";
import { lackingFields } from "../lackingFields";
import { elementsOf } from "./jsonPatch";
import { rewriteList } from "./listRewrite";
import { containers, initContainers, mounts, podLists, volumes, type PodList } from "./podLists";

export type PodSpecMerge = Record<string, unknown[]>;

type Element = Record<string, unknown>;

/**
 * Returns the merge that brings our part onto a live Deployment as authentik's own update would. It also removes what of ours
 * is not in the part, since authentik's merge never removes anything.
 * @param part as ownPart makes it; empty to remove the sidecar
 * @returns undefined if there is nothing to bring and nothing to remove
 */
export function sidecarMerge(part: readonly JsonPatchOperation[], live: Deployment): PodSpecMerge | undefined {
  // The API server deletes before it merges, so an element that is replaced is in both lists.
  const changes = (list: PodList) => [...strays(part, live, list).map(deletionIn(list)), ...elementsOf(part, list)];
  const mounted = changes(mounts);
  const outpost = mounted.length > 0 ? [{ name: outpostContainer, volumeMounts: mounted }] : [];
  const lists = {
    volumes: changes(volumes),
    initContainers: changes(initContainers),
    containers: [...outpost, ...changes(containers)],
  };
  const changed = Object.entries(lists).filter(([, elements]) => elements.length > 0);
  return changed.length > 0 ? Object.fromEntries(changed) : undefined;
}

/** Tells whether the live Deployment has something of ours that is not in the part. authentik's own update would leave it. */
export function hasStrays(part: readonly JsonPatchOperation[], live: Deployment): boolean {
  return podLists.some((list) => strays(part, live, list).length > 0);
}

/**
 * Lists the differences of the live Deployment from the part, such as "volume dshm is missing"; empty once authentik has
 * applied it.
 */
export function differences(part: readonly JsonPatchOperation[], live: Deployment): string[] {
  return podLists.flatMap((list) => [
    ...elementsOf(part, list).flatMap((wanted) => differenceOf(list, wanted, live)),
    ...ownBeyond(part, live, list).map((name) => `${list.kind} ${name} is still there`),
  ]);
}

function differenceOf(list: PodList, wanted: unknown, live: Deployment): string[] {
  const name = list.ownName(wanted);
  const found = elementsIn(list, live).find((element) => list.ownName(element) === name);
  if (!found) return [`${list.kind} ${name} is missing`];
  const different = Object.entries(wanted as Element).filter(
    ([key, value]) => lackingFields(value, found[key], key).length > 0,
  );
  return different.map(([key]) => `${list.kind} ${name} has another ${key}`);
}

/**
 * Returns elements on the live Deployment that are ours, or under our names, and not in the part, or that have more in them. A
 * merge would leave that. authentik compares with the whole element, so it would write at every reconcile.
 */
function strays(part: readonly JsonPatchOperation[], live: Deployment, list: PodList): Element[] {
  return elementsIn(list, live).filter((element) => {
    const name = list.ownName(element);
    const wanted = elementsOf(part, list).find((candidate) => list.ownName(candidate) === name);
    return name !== undefined && (wanted === undefined || hasMore(element, wanted));
  });
}

/** Tells whether there is something in `actual` that a merge of `wanted` would leave there. */
function hasMore(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(actual)) {
    const key = keyOf(actual[0]);
    if (!key || !Array.isArray(wanted)) return !Array.isArray(wanted);
    return actual.some((element: Element) => {
      const counterpart = (wanted as Element[]).find((candidate) => candidate[key] === element[key]);
      return counterpart === undefined || hasMore(element, counterpart);
    });
  }
  if (!isObject(actual)) return false;
  if (!isObject(wanted)) return true;
  return Object.entries(actual).some(
    ([key, value]) => value !== undefined && (!(key in wanted) || hasMore(value, wanted[key])),
  );
}

/** Returns the key that identifies the elements of a merged list; undefined for a list that is replaced as a whole. */
const keyOf = (element: unknown): string | undefined =>
  ["mountPath", "containerPort", "name"].find((key) => isObject(element) && key in element);

const isObject = (value: unknown): value is Element =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const deletionIn = (list: PodList) => (element: Element) => ({
  [list.mergeKey]: element[list.mergeKey],
  $patch: "delete",
});

function elementsIn(list: PodList, { spec }: Deployment): Element[] {
  const podSpec = spec?.template.spec;
  const outpost = podSpec?.containers.find(({ name }) => name === outpostContainer);
  const found = {
    [volumes.path]: podSpec?.volumes,
    [mounts.path]: outpost?.volumeMounts,
    [initContainers.path]: podSpec?.initContainers,
    [containers.path]: podSpec?.containers,
  }[list.path];
  return (found ?? []) as unknown as Element[];
}

/**
 * Returns others' elements on the live Deployment that the patch does not bring, in lists that it writes as a whole. authentik
 * finds a difference there at every reconcile, and its merge does not remove them.
 */
export function strangers(operations: readonly JsonPatchOperation[], live: Deployment): string[] {
  return podLists.flatMap((list) => {
    const { slots = [], written } = rewriteList(operations, list, (_name, value) => value);
    const key = (element: unknown) => (element as Element | undefined)?.[list.mergeKey];
    const brought = slots.map(({ value }) => key(value));
    if (!written || brought.includes(undefined)) return [];
    const others = elementsIn(list, live).filter(
      (element) => !list.ownName(element) && !brought.includes(key(element)),
    );
    return others.map((element) => `${list.kind} ${String(key(element))}`);
  });
}

function ownBeyond(part: readonly JsonPatchOperation[], live: Deployment, list: PodList): string[] {
  const wanted = elementsOf(part, list).map((element) => list.ownName(element));
  const present = elementsIn(list, live).flatMap((element) => list.ownName(element) ?? []);
  return present.filter((name) => !wanted.includes(name));
}
