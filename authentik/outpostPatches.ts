import type { OutpostConfig } from "./client";
import { jsonPatchError, parseOperations, type JsonPatchOperation } from "./operations";

/** Key of an outpost's config that holds its JSON patches, by the kind of object they are for. */
const patchesKey = "kubernetes_json_patches";

/**
 * The operations on the outpost's Deployment; none where there is no patch.
 * @throws JsonPatchError where they are no JSON patch
 */
export function deploymentOperations(config: OutpostConfig): JsonPatchOperation[] {
  return parseOperations(patchesOf(config).deployment);
}

/** The config with these operations on the Deployment; everything else in it stays. */
export function withDeploymentOperations(config: OutpostConfig, deployment: JsonPatchOperation[]): OutpostConfig {
  return { ...config, [patchesKey]: { ...patchesOf(config), deployment } };
}

/**
 * How the config says that there are no operations on the Deployment, as JSON: authentik takes `null`, `{}` and an empty
 * list alike, and what was there is what is to be left. Patches of other objects are not in it.
 */
export function formOfNone(config: OutpostConfig): string {
  if (!(patchesKey in config)) return "";
  const patches = config[patchesKey];
  if (!isObject(patches)) return "null";
  return JSON.stringify("deployment" in patches ? { deployment: patches.deployment } : {});
}

/** The config without operations on the Deployment, in the form that {@link formOfNone} found. */
export function withoutDeploymentOperations(config: OutpostConfig, form = "null"): OutpostConfig {
  const others = without(patchesOf(config), "deployment");
  const none = (form === "" ? null : JSON.parse(form)) as object | null;
  if (none || Object.keys(others).length > 0) return { ...config, [patchesKey]: { ...others, ...none } };
  return form === "" ? without(config, patchesKey) : { ...config, [patchesKey]: null };
}

const without = (object: Record<string, unknown>, key: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));

function patchesOf(config: OutpostConfig): Record<string, unknown> {
  const patches = config[patchesKey] ?? {};
  if (isObject(patches)) return patches;
  throw jsonPatchError(`${patchesKey} is ${JSON.stringify(patches)}; it must be an object of JSON patches by kind`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
