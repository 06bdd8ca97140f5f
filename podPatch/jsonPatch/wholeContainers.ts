import type { JsonPatchOperation } from "../../authentik/operations";
import { containers } from "./podLists";

/**
 * The form in which version 0.1 wrote an ordinary container (`nativeSidecar: false`): authentik's own container put aside, the
 * list written, authentik's put back in front. Such patches still exist, and have to be taken over or taken back.
 */
const aside = "/shm-cleanup";

/** Turns that list into elements added one by one. Others' elements in it stay. */
export function unwrapAddition(operations: readonly JsonPatchOperation[]): JsonPatchOperation[] {
  let isAside = false;
  return operations.flatMap((operation) => {
    if (operation.op === "move" && operation.path === aside) return ((isAside = true), []);
    if (operation.op === "move" && operation.from === aside) return ((isAside = false), []);
    const isOurList = isAside && operation.path === containers.path && Array.isArray(operation.value);
    if (!isOurList) return [operation];
    return (operation.value as unknown[]).map((value) => ({ op: "add" as const, path: `${containers.path}/-`, value }));
  });
}
