import { isDeepStrictEqual } from "node:util";
import type { ManagedFieldsEntry } from "./types";

/** A field manager's last write of an object, as `metadata.managedFields` has it. */
export interface Write {
  manager: string;
  operation: string;
  /** In milliseconds since 1970; 0 if unknown. */
  at: number;
  /** Fields that it owns, such as `spec.template.spec.containers[proxy].image`. */
  fields: string[];
}

/** Returns the last write of each manager, the newest first. Statuses, which controllers write all the time, are left out. */
export function writesOf(managedFields: ManagedFieldsEntry[]): Write[] {
  return managedFields
    .filter(({ subresource }) => subresource !== "status")
    .map(({ manager = "unknown", operation = "unknown", time, fieldsV1 }) => ({
      manager,
      operation,
      at: time ? new Date(time).getTime() : 0,
      fields: fieldNames((fieldsV1 ?? {}) as Fields),
    }))
    .sort((a, b) => b.at - a.at);
}

type Fields = { [step: string]: Fields };

function fieldNames(fields: Fields, parent = ""): string[] {
  const steps = Object.entries(fields).filter(([step]) => step !== ".");
  if (steps.length === 0) return parent === "" ? [] : [parent];
  return steps.flatMap(([step, below]) => fieldNames(below, nameOf(step, parent)));
}

/** Appends a step of fieldsV1: `f:image`, or an item of a list by its key (`k:{"name":"proxy"}`) or value (`v:"x"`). */
function nameOf(step: string, parent: string): string {
  const [kind, text] = [step.slice(0, 2), step.slice(2)];
  if (kind === "f:") return member(parent, text);
  const key: unknown = JSON.parse(text);
  const values = typeof key === "object" && key !== null ? Object.values(key) : [key];
  return `${parent}[${values.join(",")}]`;
}

const member = (parent: string, name: string): string => {
  if (/[./]/.test(name)) return `${parent}[${name}]`;
  return parent === "" ? name : `${parent}.${name}`;
};

/** Returns the names of the fields whose values differ, in the same notation. */
export function changedFields(before: unknown, after: unknown, parent = ""): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  const [was, is] = [membersOf(before), membersOf(after)];
  if (!was || !is) return [parent];
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  const isList = Array.isArray(before);
  return names.flatMap((name) =>
    changedFields(was[name], is[name], isList ? `${parent}[${name}]` : member(parent, name)),
  );
}

/** Returns the members of an object, or the items of a list by name. Undefined for anything else. */
function membersOf(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || value instanceof Date) return undefined;
  if (!Array.isArray(value)) return value as Record<string, unknown>;
  const named = value as ({ name?: string } | null)[];
  if (!named.every((item) => typeof item === "object" && item?.name !== undefined)) return undefined;
  return Object.fromEntries(named.map((item): [string, unknown] => [item?.name ?? "", item]));
}
