import type { JsonPatchOperation } from "../../authentik/operations";
import { containers } from "./podLists";

/**
 * An ordinary container added by `containers/-` is added again whenever authentik applies the patch to the live Deployment,
 * which makes it write at every reconcile. Written as a whole the list comes out the same each time; so that authentik's own
 * container, its image above all, is not frozen in the patch, it is put aside, the list written, and put back in front.
 */
const aside = "/shm-cleanup";
const outpost = `${containers.path}/0`;
const putAside: JsonPatchOperation = { op: "move", from: outpost, path: aside };
const putBack: JsonPatchOperation = { op: "move", from: aside, path: outpost };
const addition = `${containers.path}/-`;

/** The same patch with our one `containers/-` written as a whole list. */
export function wrapAddition(operations: readonly JsonPatchOperation[], isOurs: (value: unknown) => boolean) {
  return operations.flatMap((operation) =>
    operation.op === "add" && operation.path === addition && isOurs(operation.value)
      ? [putAside, { op: "add" as const, path: containers.path, value: [operation.value] }, putBack]
      : [operation],
  );
}

/** The reverse: elements added one by one. What others put into our list stays. */
export function unwrapAddition(operations: readonly JsonPatchOperation[]): JsonPatchOperation[] {
  let isAside = false;
  return operations.flatMap((operation) => {
    if (operation.op === "move" && operation.path === aside) return ((isAside = true), []);
    if (operation.op === "move" && operation.from === aside) return ((isAside = false), []);
    const isOurList = isAside && operation.path === containers.path && Array.isArray(operation.value);
    if (!isOurList) return [operation];
    return (operation.value as unknown[]).map((value) => ({ op: "add" as const, path: addition, value }));
  });
}
