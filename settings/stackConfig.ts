import * as pulumi from "@pulumi/pulumi";
import type { KubernetesConfig } from "../kubernetes/kubeconfig";
import { resolveSettings } from "./resolve";
import { configNamespace, type Settings } from "./types";

/**
 * Reads the stack's config.
 * @throws SettingsError with everything that is wrong in it
 */
export function readSettings(): Settings {
  const prefix = `${configNamespace}:`;
  const given = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix));
  const raw = Object.fromEntries(given.map(([key, text]) => [key.slice(prefix.length), structureOf(text)]));
  const secrets = given.filter(([key]) => isSecretConfig(key)).map(([key]) => key.slice(prefix.length));
  return resolveSettings(raw, new Set(secrets));
}

/**
 * Returns the access to authentik's API, with the token in plain text, which must not go into a resource. Undefined unless both
 * keys are set.
 */
export function authentikAccess({ authentikUrl: url }: Settings): { url: string; token: string } | undefined {
  const token = pulumi.runtime.allConfig()[`${configNamespace}:authentikToken`];
  return url && token ? { url, token } : undefined;
}

/** Returns the cluster of the `kubernetes:*` stack config. */
export function kubernetesConfig(): KubernetesConfig {
  const config = new pulumi.Config("kubernetes");
  return { kubeconfig: config.get("kubeconfig"), context: config.get("context"), cluster: config.get("cluster") };
}

/**
 * Parses lists and objects, which Pulumi passes as JSON. Numbers and booleans stay text, which resolveSettings reads by their
 * key: a namespace called `123` is no number.
 */
function structureOf(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Tells whether the key is secret. The SDK's types lack its function for this, so tests check that it is there. */
export function isSecretConfig(key: string): boolean {
  const runtime = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };
  return runtime.isConfigSecret(key);
}
