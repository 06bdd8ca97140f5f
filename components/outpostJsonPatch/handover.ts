import { authentikManager, outpostContainer } from "../../authentik/names";
import type { FieldPath } from "../../kubernetes/fieldOwners";
import type { ManagedFieldsEntry } from "../../kubernetes/types";
import { sidecarFields } from "../../podPatch/takenFields";

type Fields = Record<string, object>;

/**
 * Returns the field owners once the sidecar is authentik's. Nothing of it is removed when the former manager lets go, so no pod
 * restarts. Other fields of the former one, such as its annotations, stay its own.
 */
export function handedOver(managedFields: ManagedFieldsEntry[], from: string): ManagedFieldsEntry[] {
  const givers = managedFields.filter((entry) => entry.manager === from && !entry.subresource);
  const given = sidecarIn(givers);
  if (Object.keys(given).length === 0) return managedFields;
  return managedFields.map((entry) => {
    if (givers.includes(entry)) return withoutSidecar(entry);
    return isAuthentiksUpdate(entry) ? { ...entry, fieldsV1: union(entry.fieldsV1 as Fields, given) } : entry;
  });
}

/**
 * Returns the field owners once the sidecar, which authentik has brought, is as if another manager had applied it. What that
 * manager applies next then takes the place of it, in one write.
 */
export function claimed(managedFields: ManagedFieldsEntry[], by: string): ManagedFieldsEntry[] {
  const givers = managedFields.filter(isAuthentiksUpdate);
  const given = sidecarIn(givers);
  if (Object.keys(given).length === 0) return managedFields;
  const others = managedFields.map((entry) => (givers.includes(entry) ? withoutSidecar(entry) : entry));
  const own = others.find((entry) => entry.manager === by && entry.operation === "Apply" && !entry.subresource);
  const entry = own ?? { ...givers[0], manager: by, operation: "Apply", fieldsV1: {} };
  const owned = { ...entry, fieldsV1: union(entry.fieldsV1 as Fields, given) };
  return [...others.filter((each) => each !== own), owned];
}

/** Returns the field owners once authentik no longer owns any part of the sidecar. Everything else stays its own. */
export function released(managedFields: ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  return managedFields.map((entry) => (isAuthentiksUpdate(entry) ? withoutSidecar(entry) : entry));
}

const isAuthentiksUpdate = ({ manager, operation, subresource }: ManagedFieldsEntry) =>
  manager === authentikManager && operation === "Update" && !subresource;

function withoutSidecar(entry: ManagedFieldsEntry): ManagedFieldsEntry {
  const fieldsV1 = sidecarFields(outpostContainer).reduce(
    (fields, { path }) => without(fields, path),
    entry.fieldsV1 as Fields,
  );
  return { ...entry, fieldsV1 };
}

const sidecarIn = (entries: ManagedFieldsEntry[]): Fields =>
  entries
    .flatMap(({ fieldsV1 }) => sidecarFields(outpostContainer).map(({ path }) => only(fieldsV1 as Fields, path)))
    .reduce(union, {});

/** Returns the fields at the path, under the levels above it. */
function only(fields: Fields, [step = "", ...deeper]: FieldPath): Fields {
  if (!(step in fields)) return {};
  const found = deeper.length > 0 ? only(fields[step] as Fields, deeper) : fields[step];
  return deeper.length > 0 && Object.keys(found).length === 0 ? {} : { [step]: found };
}

function union(one: Fields, other: Fields): Fields {
  const merged: Fields = { ...one };
  for (const [key, fields] of Object.entries(other)) {
    merged[key] = union((merged[key] ?? {}) as Fields, fields as Fields);
  }
  return merged;
}

/** Removes the fields at the path, and each level above that has nothing left but itself. */
function without(fields: Fields, [step = "", ...deeper]: FieldPath): Fields {
  if (!(step in fields)) return fields;
  const { [step]: found, ...others } = fields;
  const left = deeper.length > 0 ? without(found as Fields, deeper) : {};
  if (left === found) return fields;
  const isLeft = Object.keys(left).some((key) => key !== ".");
  return isLeft ? { ...fields, [step]: left } : others;
}
