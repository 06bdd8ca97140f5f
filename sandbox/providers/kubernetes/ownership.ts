/** Who owns the fields of a live object, where a hand at the cluster took them from the program. Pure. */
import { isProperties, type Properties, type Value } from "../properties";
import { metadataOf, text } from "./objects";

/** Field managers of people with kubectl (`kubectl-edit`, `kubectl-client-side-apply`) and of objects made before server-side apply. */
const handManagers = ["kubectl", "before-first-apply"];

/**
 * The JSON patch that gives what hands own to `fieldManager`, so that its next apply wins over them without a conflict,
 * as the Kubernetes provider does before it updates an object of its own. Undefined where they own nothing.
 */
export function adoption(live: Properties, fieldManager: string): Value[] | undefined {
  const entries = managedFields(live);
  const byHand = entries.filter((entry) => isByHand(entry));
  const own = entries.find((entry) => entry.manager === fieldManager && entry.operation === "Apply");
  const base = own ?? byHand[0];
  if (!base || byHand.length === 0) return undefined;
  const fieldsV1 = [base, ...byHand].map((entry) => entry.fieldsV1 ?? {}).reduce<Value>(union, {});
  const adopted = { ...base, manager: fieldManager, operation: "Apply", fieldsV1 };
  const others = entries.filter((entry) => entry !== own && !byHand.includes(entry));
  return [
    { op: "replace", path: "/metadata/managedFields", value: [...others, adopted] },
    { op: "test", path: "/metadata/resourceVersion", value: metadataOf(live).resourceVersion ?? null },
  ];
}

function managedFields(live: Properties): Properties[] {
  const fields = metadataOf(live).managedFields;
  return (Array.isArray(fields) ? fields : []).filter(isProperties);
}

/** A subresource (status, scale) has owners of its own, which stay. */
function isByHand({ manager, subresource }: Properties): boolean {
  return !text(subresource) && handManagers.some((name) => text(manager).startsWith(name));
}

function union(left: Value, right: Value): Value {
  if (!isProperties(left) || !isProperties(right)) return left;
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return Object.fromEntries(
    keys.map((key) => [key, union(left[key] ?? right[key] ?? {}, right[key] ?? left[key] ?? {})]),
  );
}
