// RFC 6902 as authentik applies it, by a library. Its words for a refusal are not authentik's.
import { applyPatch as applyByLibrary, type Operation } from "rfc6902";
import type { RawOperation } from "./outpostConfig";

/**
 * Returns a copy of the document with all operations applied, in order.
 * @throws the error of the first operation that can't be applied
 */
export function applyPatch<T extends object>(document: T, operations: readonly RawOperation[]): T {
  const patched = structuredClone(document);
  for (const operation of operations) {
    const [error] = applyByLibrary(patched, [operation as unknown as Operation]);
    if (error) throw error;
  }
  return patched;
}
