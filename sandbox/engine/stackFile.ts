/** Writes a stack's config file, `Pulumi.<stack>.yaml`, from a plain record. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { ConfigMap } from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";

interface Secret {
  readonly value: unknown;
  readonly secret: true;
}

/**
 * Splits the config, by full key, into plain values and secrets, which only the CLI can encrypt. A key with a `:` is a full one
 * (`project:key`) already. Undefined values are left out.
 */
export function splitSecrets(
  config: Record<string, unknown>,
  project: string,
): { plain: Record<string, unknown>; secrets: ConfigMap } {
  const plain: Record<string, unknown> = {};
  const secrets: ConfigMap = {};
  for (const [key, value] of Object.entries(config)) {
    const fullKey = key.includes(":") ? key : `${project}:${key}`;
    if (isSecret(value)) secrets[fullKey] = { value: asText(value.value), secret: true };
    else if (value !== undefined) plain[fullKey] = value;
  }
  return { plain, secrets };
}

/** Replaces the file's config and keeps the rest: the salt of its encryption. */
export function writeStackFile(path: string, config: Record<string, unknown>): void {
  const settings = existsSync(path) ? (parse(readFileSync(path, "utf8")) as Record<string, unknown> | null) : {};
  writeFileSync(path, stringify({ ...settings, config }));
}

function isSecret(value: unknown): value is Secret {
  return typeof value === "object" && value !== null && "secret" in value && value.secret === true && "value" in value;
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
