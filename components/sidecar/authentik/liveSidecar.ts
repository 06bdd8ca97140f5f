import type { Deployment } from "../../kubernetesTypes";
import { outpostContainer } from "../podFragment";
import { elementsOf } from "./jsonPatch";
import type { JsonPatchOperation } from "./operations";
import { containers, initContainers, mounts, podLists, volumes, type PodList } from "./podLists";

/** A strategic merge patch of a pod spec. */
export type PodSpecMerge = Record<string, unknown[]>;

type Element = Record<string, unknown>;

/**
 * What brings our part onto a live Deployment as authentik's own update would, and takes away what of ours does not belong
 * to it: authentik's merge never removes.
 * @param part as ownPart makes it; empty to remove the sidecar
 * @returns undefined where there is nothing to bring and nothing to take away
 */
export function sidecarMerge(part: readonly JsonPatchOperation[], live: Deployment): PodSpecMerge | undefined {
  const changes = (list: PodList) => [...elementsOf(part, list), ...strays(part, live, list).map(deletionIn(list))];
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

/** Whether the live Deployment has elements of ours that the part does not: authentik's own update would leave them. */
export function hasStrays(part: readonly JsonPatchOperation[], live: Deployment): boolean {
  return podLists.some((list) => strays(part, live, list).length > 0);
}

/** Where the live Deployment is not as the part says, such as "volume dshm is missing"; empty once authentik has applied it. */
export function differences(part: readonly JsonPatchOperation[], live: Deployment): string[] {
  return podLists.flatMap((list) => [
    ...elementsOf(part, list).flatMap((wanted) => differenceOf(list, wanted, live)),
    ...strays(part, live, list).map((element) => `${list.kind} ${list.ownName(element)} is still there`),
  ]);
}

function differenceOf(list: PodList, wanted: unknown, live: Deployment): string[] {
  const name = list.ownName(wanted);
  const found = elementsIn(list, live).find((element) => list.ownName(element) === name);
  if (!found) return [`${list.kind} ${name} is missing`];
  const different = Object.entries(wanted as Element).filter(([key, value]) => !contains(found[key], value));
  return different.map(([key]) => `${list.kind} ${name} has another ${key}`);
}

/** Elements of ours, or under our names, that are on the live Deployment and not in the part. */
function strays(part: readonly JsonPatchOperation[], live: Deployment, list: PodList): Element[] {
  const wanted = elementsOf(part, list).map((element) => list.ownName(element));
  return elementsIn(list, live).filter((element) => {
    const name = list.ownName(element);
    return name !== undefined && !wanted.includes(name);
  });
}

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

/** Whether all of `wanted` is in `actual`, which may have more. */
function contains(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return Array.isArray(actual) && wanted.every((element) => actual.some((candidate) => contains(candidate, element)));
  }
  if (typeof wanted !== "object" || wanted === null) return actual === wanted;
  if (typeof actual !== "object" || actual === null) return false;
  return Object.entries(wanted).every(([key, value]) => contains((actual as Element)[key], value));
}
