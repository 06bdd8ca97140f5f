import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse, YAMLParseError } from "yaml";
import type { KubernetesConfig } from "../kubernetes/kubeconfig";
import type { Raw } from "./readFields";
import { resolveSettings, tokenHeld, type Rules } from "./resolve";
import { configNamespace, type Settings } from "./types";
import { typeName } from "./values/parsed";

/** The content of a stack's file, as far as it can be read without Pulumi. */
export interface StackFile {
  /** The stack's name without organisation and project. */
  stack: string;
  settings: Settings;
  kubernetes: KubernetesConfig;
  /** True if the file takes config from Pulumi ESC (`environment`), which only Pulumi can read. */
  hasEnvironment: boolean;
}

/** Variations on reading a stack's file. */
export interface Reading {
  /** Another file than `Pulumi.<stack>.yaml`, as of Pulumi's `--config-file`. */
  configFile?: string;
  /** Settings that replace the stack's. */
  overrides?: Raw;
  rules?: Rules;
}

/**
 * Reads `Pulumi.<stack>.yaml` and the defaults of `Pulumi.yaml`, without the engine: no backend, no passphrase.
 * @param dir folder of the project
 * @param stackName name of the stack, with or without organisation and project
 * @throws SettingsError, or an Error that names the file or the key, if they can't be read
 */
export function readStackFile(dir: string, stackName: string, how: Reading = {}): StackFile {
  const stack = stackName.split("/").at(-1) ?? "";
  const path = how.configFile ?? join(dir, `Pulumi.${stack}.yaml`);
  if (stack === "" || !existsSync(path)) {
    const known = `stack files in ${dir}: ${stackFiles(dir)}`;
    throw new Error(
      `stack "${stackName}": there is no ${path}; ${known}. If it is elsewhere, name it by --config-file`,
    );
  }
  const { config: own = {}, environment } = (parsed(path) ?? {}) as { config?: Config; environment?: unknown };
  const config = { ...projectConfig(dir), ...fullKeys(own) };
  const hasEnvironment = Array.isArray(environment) ? environment.length > 0 : Boolean(environment);
  // An environment goes before Pulumi.yaml.
  const certain = hasEnvironment ? fullKeys(own) : config;
  const [kubeconfig, context, cluster] = ["kubeconfig", "context", "cluster"].map((key) =>
    plainText(certain, `kubernetes:${key}`, path),
  );
  const settings = settingsOf(config, path, { ...how, hasEnvironment });
  return { stack, settings, kubernetes: { kubeconfig, context, cluster }, hasEnvironment };
}

type Config = Record<string, unknown>;

/** Parses a file of YAML. Its error quotes nothing of it, since that may be a secret. */
function parsed(path: string): unknown {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    // eslint-disable-next-line preserve-caught-error -- its message has the line
    throw new Error(`${path} is no valid YAML: see its line ${error.linePos?.[0].line} (${error.code})`);
  }
}

/** Shortens `namespace:config:key`, as older engines write it, to `namespace:key`. */
function fullKeys(config: Config): Config {
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace(":config:", ":"), value]));
}

/** Returns the config that Pulumi.yaml gives every stack: a value, or the default of a declaration. */
function projectConfig(dir: string): Config {
  const path = join(dir, "Pulumi.yaml");
  if (!existsSync(path)) return {};
  const { name, config = {} } = parsed(path) as { name: string; config?: Config };
  const given = Object.entries(config).map(([key, declared]): [string, unknown] => {
    const isDeclaration = typeof declared === "object" && declared !== null;
    const { value, default: standard } = (isDeclaration ? declared : { value: declared }) as Config;
    return [key.includes(":") ? key : `${name}:${key}`, value ?? standard];
  });
  return fullKeys(Object.fromEntries(given.filter(([, value]) => value !== undefined)));
}

function settingsOf(
  config: Config,
  path: string,
  { overrides = {}, rules, hasEnvironment }: Omit<Reading, "configFile"> & Pick<StackFile, "hasEnvironment">,
): Settings {
  const prefix = `${configNamespace}:`;
  const own = Object.keys(config).filter((key) => key.startsWith(prefix));
  const secrets = new Set<string>();
  const raw = own.map((full): [string, unknown] => {
    const key = full.slice(prefix.length);
    if (!isSecret(config[full])) return [key, config[full]];
    if (key !== "authentikToken") throw secretError(full, path);
    secrets.add(key);
    return [key, tokenHeld];
  });
  try {
    return resolveSettings({ ...Object.fromEntries(raw), ...overrides }, secrets, rules);
  } catch (error) {
    if (!hasEnvironment) throw error;
    const cure = `The \`environment\` in ${path} may have what is missing, but only Pulumi can read it: leave --stack out and give flags`;
    throw new Error(`${(error as Error).message}\n${cure}`, { cause: error });
  }
}

function plainText(config: Config, key: string, path: string): string | undefined {
  const value = config[key];
  if (isSecret(value)) throw secretError(key, path);
  if (value === undefined || value === "") return undefined;
  if (typeof value !== "string") throw new Error(`${key}: its value in ${path} is ${typeName(value)}, not text`);
  return value;
}

const isSecret = (value: unknown): boolean => typeof value === "object" && value !== null && "secure" in value;

function secretError(key: string, path: string): Error {
  return new Error(
    `${key}: stored as a secret in ${path}, which only Pulumi can read; leave --stack out and give flags`,
  );
}

function stackFiles(dir: string): string {
  const names = readdirSync(dir).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
  return names.sort().join(", ") || "none";
}
