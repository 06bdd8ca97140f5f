import type { ManagedFieldsEntry } from "./types";

/**
 * A path into `metadata.managedFields[].fieldsV1`, in its own notation: `f:name` for a field, `k:{…}` for a list item.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export type FieldPath = readonly string[];

const template = ["f:spec", "f:template"];
const podSpec = [...template, "f:spec"];
const item = (key: Record<string, string>): string => `k:${JSON.stringify(key)}`;

export const templateLabelPath = (label: string): FieldPath => [...template, "f:metadata", "f:labels", `f:${label}`];
export const volumePath = (name: string): FieldPath => [...podSpec, "f:volumes", item({ name })];
export const containerPath = (list: "containers" | "initContainers", name: string): FieldPath => [
  ...podSpec,
  `f:${list}`,
  item({ name }),
];
export const mountPath = (container: string, path: string): FieldPath => [
  ...containerPath("containers", container),
  "f:volumeMounts",
  item({ mountPath: path }),
];

/** Returns the field managers, sorted by name, that own anything at or below the path. */
export function ownersOf(path: FieldPath, managedFields: ManagedFieldsEntry[]): string[] {
  const owners = managedFields
    .filter((entry) => !entry.subresource && contains(entry.fieldsV1 as Fields | undefined, path))
    .map((entry) => entry.manager ?? "unknown");
  return [...new Set(owners)].sort();
}

/** Tells whether the manager owns any field of the object itself, not counting its subresources. */
export function ownsFields(manager: string, managedFields: ManagedFieldsEntry[]): boolean {
  return managedFields.some((entry) => entry.manager === manager && !entry.subresource);
}

type Fields = { readonly [step: string]: Fields | undefined };

const contains = (fields: Fields | undefined, path: FieldPath): boolean =>
  path.reduce((at, step) => at?.[step], fields) !== undefined;
