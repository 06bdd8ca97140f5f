import type { OutpostConfig } from "./client";
import { jsonPatchError, parseOperations, type JsonPatchOperation } from "./operations";

/** Key of an outpost's config that holds its JSON patches, by the kind of object they are for. */
const patchesKey = "kubernetes_json_patches";

/**
 * Returns the operations on the outpost's Deployment; none if there is no patch.
 * @throws JsonPatchError if they are no JSON patch
 */
export function deploymentOperations(config: OutpostConfig): JsonPatchOperation[] {
  return parseOperations(patchesOf(config).deployment);
}

/** Returns the config with these operations on the Deployment. Everything else in it stays. */
export function withDeploymentOperations(config: OutpostConfig, deployment: JsonPatchOperation[]): OutpostConfig {
  return { ...config, [patchesKey]: { ...patchesOf(config), deployment } };
}

/**
 * Returns the form in which the config has no operations on the Deployment, as JSON. authentik accepts `null`, `{}` and an
 * empty list alike, and removing our part has to restore the original. Patches of other objects are not in it.
 */
export function formOfNone(config: OutpostConfig): string {
  if (!(patchesKey in config)) return "";
  const patches = config[patchesKey];
  if (!isObject(patches)) return "null";
  return JSON.stringify("deployment" in patches ? { deployment: patches.deployment } : {});
}

/** Returns the config without operations on the Deployment, in the form that {@link formOfNone} found. */
export function withoutDeploymentOperations(config: OutpostConfig, form = "null"): OutpostConfig {
  const { deployment: _, ...others } = patchesOf(config);
  const none = (form === "" ? null : JSON.parse(form)) as object | null;
  if (none || Object.keys(others).length > 0) return { ...config, [patchesKey]: { ...others, ...none } };
  const { [patchesKey]: _patches, ...rest } = config;
  return form === "" ? rest : { ...config, [patchesKey]: null };
}

function patchesOf(config: OutpostConfig): Record<string, unknown> {
  const patches = config[patchesKey] ?? {};
  if (isObject(patches)) return patches;
  throw jsonPatchError(`${patchesKey} is ${JSON.stringify(patches)}; it must be an object of JSON patches by kind`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
