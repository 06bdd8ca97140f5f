/**
 * Kubernetes objects as the provider sees them: their identity, the annotations it obeys, their normal form, and the
 * live object cut to the shape of the inputs. Pure.
 */
import { createHash, randomBytes } from "node:crypto";
import { containsUnknown, isProperties, type Properties, type Value } from "../properties";

export interface ObjectMeta extends Properties {
  annotations: Properties;
}

/** The `metadata` of an object, with `annotations` always there; a copy. */
export function metadataOf(object: Properties): ObjectMeta {
  const metadata = isProperties(object.metadata) ? object.metadata : {};
  return { ...metadata, annotations: isProperties(metadata.annotations) ? metadata.annotations : {} };
}

export function text(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}

export const nameOf = (object: Properties): string => text(metadataOf(object).name);
export const namespaceOf = (object: Properties): string => text(metadataOf(object).namespace);

/** The ID a resource has in the state: `namespace/name`, or the name of a cluster-wide object. */
export function idOf(object: Properties): string {
  const namespace = namespaceOf(object);
  return namespace ? `${namespace}/${nameOf(object)}` : nameOf(object);
}

export function parseId(id: string): { namespace: string; name: string } {
  const [first = "", second] = id.split("/");
  return second === undefined ? { namespace: "", name: first } : { namespace: first, name: second };
}

/** `kubernetes:apps/v1:DeploymentPatch`, from `urn:pulumi:stack::project::parent$kubernetes:apps/v1:DeploymentPatch::name`. */
function typeOf(urn: string): { apiVersion: string; kind: string } {
  const [, module = "", kind = ""] = (urn.split("::")[2] ?? "").split("$").at(-1)?.split(":") ?? [];
  return { apiVersion: module.replace(/^core\//, ""), kind };
}

/** Whether the resource only owns some fields of an object that somebody else creates. */
export const isPatch = (urn: string): boolean => typeOf(urn).kind.endsWith("Patch");

/** apiVersion and kind of the object behind a resource that is read without inputs (`get`, import). */
export function objectTypeOf(urn: string): { apiVersion: string; kind: string } {
  const { apiVersion, kind } = typeOf(urn);
  return { apiVersion, kind: kind.replace(/Patch$/, "") };
}

/** A name for an object the program gave none, marked so that a replacement may get another. */
export function autonamed(object: Properties, resourceName: string, seed: Buffer): Properties {
  const suffix = (seed.length > 0 ? createHash("sha256").update(seed).digest() : randomBytes(4)).toString("hex", 0, 4);
  return withName(object, `${resourceName}-${suffix}`);
}

export function withName(object: Properties, name: string): Properties {
  const metadata = metadataOf(object);
  return {
    ...object,
    metadata: { ...metadata, name, annotations: { ...metadata.annotations, "pulumi.com/autonamed": "true" } },
  };
}

export const isAutonamed = (object: Properties): boolean => isAnnotated(object, "pulumi.com/autonamed");

export function isAnnotated(object: Properties, annotation: string): boolean {
  return metadataOf(object).annotations[annotation] === "true";
}

export function withNamespace(object: Properties, namespace: string): Properties {
  const metadata = isProperties(object.metadata) ? object.metadata : {};
  return { ...object, metadata: { ...metadata, namespace } };
}

/** Who applies: the annotation, else the name kept in the state, else a new one. */
export function fieldManager(object: Properties, state: Properties): string {
  const annotated = text(metadataOf(object).annotations["pulumi.com/patchFieldManager"]);
  return annotated || text(state.__fieldManager) || `pulumi-kubernetes-${randomBytes(4).toString("hex")}`;
}

const readOnlyMetadata = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "uid",
];

/** Inputs in the form that comes back from the API server: no read-only metadata, a Secret's stringData as data. */
export function normalized(inputs: Properties): Properties {
  const { stringData, ...object } = inputs;
  if (isProperties(object.metadata)) {
    const entries = Object.entries(object.metadata).filter(([key]) => !readOnlyMetadata.includes(key));
    object.metadata = Object.fromEntries(entries);
  }
  if (!isProperties(stringData)) return object;
  if (object.kind !== "Secret" || containsUnknown(stringData)) return { ...object, stringData };
  const encoded = Object.entries(stringData).map(([key, value]) => [key, Buffer.from(text(value)).toString("base64")]);
  const data = isProperties(object.data) ? object.data : {};
  return { ...object, data: { ...data, ...(Object.fromEntries(encoded) as Properties) } };
}

/**
 * The live object cut to the properties that the inputs have, so that comparing the two finds changed and missing
 * fields and not the defaults and fields of others. List items are paired by their merge key where all have one, as
 * server-side apply pairs them; others by position.
 */
export function pruned(live: Properties, inputs: Properties): Properties {
  const kept = Object.entries(live).filter(([key]) => inputs[key] !== undefined);
  return Object.fromEntries(kept.map(([key, value]) => [key, prunedValue(value, inputs[key], key)]));
}

function prunedValue(live: Value, input: Value, property: string): Value {
  if (isProperties(live) && isProperties(input)) return pruned(live, input);
  if (!Array.isArray(live) || !Array.isArray(input)) return live;
  const key = mergeKey(property, input);
  return input.flatMap((item, index) => {
    const paired = key
      ? live.find((other) => isProperties(other) && other[key] === (item as Properties)[key])
      : live[index];
    return paired === undefined ? [] : [prunedValue(paired, item, "")];
  });
}

function mergeKey(property: string, items: Value[]): string | undefined {
  const candidates: Record<string, string[]> = { volumeMounts: ["mountPath"], ports: ["containerPort", "port"] };
  const unique = (key: string) => {
    const values = items.map((item) => (isProperties(item) ? item[key] : undefined));
    return values.every((value) => value !== undefined) && new Set(values).size === values.length;
  };
  return (candidates[property] ?? ["name"]).find(unique);
}
