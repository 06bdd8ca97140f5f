import * as pulumi from "@pulumi/pulumi";
import { CONFIG_NAMESPACE, resolveSettings, type Settings } from "./settings";

/**
 * Reads the stack's config.
 * @throws SettingsError with everything that is wrong in it
 */
export function readSettings(): Settings {
  const prefix = `${CONFIG_NAMESPACE}:`;
  const given = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix));
  const raw = Object.fromEntries(given.map(([key, text]) => [key.slice(prefix.length), structureOf(text)]));
  const secrets = given.filter(([key]) => isSecret(key)).map(([key]) => key.slice(prefix.length));
  return resolveSettings(raw, new Set(secrets));
}

/** How to reach authentik's API, the token a secret; undefined unless both keys are set. */
export function authentikAccess({
  authentikUrl: url,
}: Settings): { url: string; token: pulumi.Output<string> } | undefined {
  const hasToken = Boolean(pulumi.runtime.allConfig()[`${CONFIG_NAMESPACE}:authentikToken`]);
  return url && hasToken
    ? { url, token: new pulumi.Config(CONFIG_NAMESPACE).requireSecret("authentikToken") }
    : undefined;
}

/**
 * Pulumi hands every value over as text, lists and objects as JSON. Numbers and booleans stay text, which
 * resolveSettings reads by their key: a namespace called `123` is no number.
 */
function structureOf(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The SDK knows which keys are secret and doesn't declare the function in its types; the tests pin that it is there. */
function isSecret(key: string): boolean {
  const runtime = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };
  return runtime.isConfigSecret(key);
}
