import { createHash } from "node:crypto";
import { stackManagerPrefix } from "../../cleaner/names";

/**
 * Returns the name of an object of the whole cluster, unique to a stack and its namespace. A dot ends the stack's part, since no
 * namespace has one.
 * @param prefix kind of object, where one stack has several
 * @param fieldManager of the stack, which names it
 */
export function clusterObjectName(prefix: string, fieldManager: string, namespace: string): string {
  const stack = fieldManager.slice(stackManagerPrefix.length);
  const plain = stack
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  const hash = createHash("sha256").update(stack).digest("hex").slice(0, 6);
  return [prefix, plain === stack ? plain : `${plain}-${hash}`.replace(/^-/, ""), namespace].join(".");
}
