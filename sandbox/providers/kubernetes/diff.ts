/**
 * What a change of inputs means for a Kubernetes resource: the changed property paths, and which of them need the
 * object to be made anew. Pure.
 */
import type { Diff, DiffKind, PropertyChange } from "../server";
import { isProperties, type Properties, type Value } from "../properties";
import { isAutonamed, nameOf, namespaceOf, text } from "./objects";
import { sameQuantity } from "./quantity";

type Path = readonly (string | number)[];

const identity: readonly Path[] = [
  ["metadata", "name"],
  ["metadata", "namespace"],
];

// Beside the object's identity, per kind. The API server refuses to change these in place, except for the data of
// ConfigMaps and Secrets: the Kubernetes provider makes those anew so that what uses them by a generated name notices.
const immutable: Record<string, readonly Path[]> = {
  ClusterRoleBinding: [["roleRef"]],
  ConfigMap: [["data"], ["binaryData"]],
  DaemonSet: [["spec", "selector"]],
  Deployment: [["spec", "selector"]],
  Job: ["completions", "parallelism", "selector", "template"].map((field) => ["spec", field]),
  PersistentVolumeClaim: [["spec"]],
  RoleBinding: [["roleRef"]],
  Secret: [["type"], ["data"], ["stringData"]],
  Service: [["spec", "clusterIP"]],
  StatefulSet: ["podManagementPolicy", "selector", "serviceName", "volumeClaimTemplates"].map((field) => [
    "spec",
    field,
  ]),
};

export interface DiffOptions {
  /** The resource patches somebody else's object: only another identity needs a new resource. */
  readonly patch: boolean;
  /** The kinds whose data is changed in place on the provider's `enableConfigMapMutable` or `enableSecretMutable`. */
  readonly mutableKinds: ReadonlySet<string>;
  /** Property paths of the program's `ignoreChanges`. */
  readonly ignored: readonly string[];
}

/** Compares the live object, cut to the shape of the old inputs, with the new inputs. */
export function diffObjects(live: Properties, news: Properties, options: DiffOptions): Diff {
  const forcing = [...identity, ...(options.patch ? [] : immutableFields(news, options.mutableKinds))];
  const changes = new Map<string, PropertyChange>();
  const record = (path: Path, kind: DiffKind, value: Value | undefined) => {
    const name = formatPath(path);
    if (options.ignored.some((ignored) => isWithin(name, ignored))) return;
    changes.set(name, { kind, replace: forcing.some((forced) => touches(path, value, forced)) });
  };
  compare([], live, news, record);
  const replaced = [...changes.values()].some((change) => change.replace);
  const sameIdentity = nameOf(live) === nameOf(news) && namespaceOf(live) === namespaceOf(news);
  return { changes, deleteBeforeReplace: replaced && sameIdentity && !isAutonamed(news) };
}

function immutableFields(object: Properties, mutableKinds: ReadonlySet<string>): readonly Path[] {
  const kind = text(object.kind);
  if (mutableKinds.has(kind) && object.immutable !== true) return [];
  return immutable[kind] ?? [];
}

function compare(
  path: Path,
  old: Value | undefined,
  next: Value | undefined,
  record: (path: Path, kind: DiffKind, value: Value | undefined) => void,
): void {
  if (next === undefined) {
    if (old !== undefined) record(path, "delete", undefined);
  } else if (old === undefined) {
    // The API server drops an empty map or list from most places: asking for it is no change.
    if (!isEmpty(next)) record(path, "add", next);
  } else if (isProperties(old) && isProperties(next)) {
    for (const key of new Set([...Object.keys(old), ...Object.keys(next)])) {
      compare([...path, key], old[key], next[key], record);
    }
  } else if (Array.isArray(old) && Array.isArray(next)) {
    for (let index = 0; index < Math.max(old.length, next.length); index++) {
      compare([...path, index], old[index], next[index], record);
    }
  } else if (old !== next && !sameQuantity(path, old, next)) {
    record(path, "update", next);
  }
}

function isEmpty(value: Value): boolean {
  return Array.isArray(value) ? value.length === 0 : isProperties(value) && Object.keys(value).length === 0;
}

/** Whether a change at `path` to `value` reaches the property `forced`: at it, below it, or by setting it from above. */
function touches(path: Path, value: Value | undefined, forced: Path): boolean {
  if (!path.slice(0, forced.length).every((segment, index) => segment === forced[index])) return false;
  let inner = value;
  for (const segment of forced.slice(path.length)) inner = isProperties(inner) ? inner[segment] : undefined;
  return path.length >= forced.length || inner !== undefined;
}

function isWithin(path: string, ancestor: string): boolean {
  return path === ancestor || path.startsWith(`${ancestor}.`) || path.startsWith(`${ancestor}[`);
}

/** `spec.containers[0].image`; a key with `.`, `"` or brackets in it becomes `metadata.annotations["a.b/c"]`. */
function formatPath(path: Path): string {
  return path.reduce<string>((joined, segment) => {
    if (typeof segment === "number") return `${joined}[${segment}]`;
    if (/[."[\]]/.test(segment)) return `${joined}["${segment.replaceAll('"', '\\"')}"]`;
    return joined ? `${joined}.${segment}` : segment;
  }, "");
}
