/**
 * Runs the program as `pulumi preview`, `up` and `destroy` do, through Pulumi's Automation API. The program runs
 * inline, with its state in a folder and with stack config as a hand-written stack file would give it. The report of what
 * happened comes from the engine's own events.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { LocalWorkspace, type ConfigMap, type Deployment, type PulumiFn, type Stack } from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";
import { connectAnew } from "./engine/connections";
import { Recorder, UpdateFailed, type Report, type UpReport } from "./engine/report";
import { repositoryRoot } from "./paths";
import { pulumiCommand, type Pulumi } from "./pulumi";

export { UpdateFailed, type Report, type UpReport };

export interface EngineOptions {
  /** Name of the stack; created if missing. */
  readonly stack: string;
  /** Name of a project without a config schema. By default it is Pulumi.yaml's, with its schema. */
  readonly project?: string;
  /** Folder for the state, the stack file and the passphrase of secrets; created if missing. */
  readonly stateDir: string;
  /**
   * Path of the kubeconfig. It becomes KUBECONFIG of the engine's commands, and the config key `kubernetes:kubeconfig` of the
   * program, which runs in this process.
   */
  readonly kubeconfig: string;
  /** Value of the config key `kubernetes:context`, unless `config` has one. */
  readonly context: string;
  readonly pulumi: Pulumi;
  /** The first config, as for {@link EngineStack.setConfig}. */
  readonly config: Record<string, unknown>;
  /** The program to run; index.ts by default. */
  readonly program?: PulumiFn;
}

/** Opens the stack and creates what is missing. Nothing is written outside `stateDir` and Pulumi's own folder. */
export async function openStack(options: EngineOptions): Promise<EngineStack> {
  const { stack: name, stateDir, pulumi } = options;
  const workDir = join(stateDir, "stacks", name);
  mkdirSync(workDir, { recursive: true });
  // A copy lets the engine check the config against the schema. The stack file goes beside it, not into the clone.
  const shipped = readFileSync(join(repositoryRoot, "Pulumi.yaml"), "utf8");
  const projectFile = options.project ? stringify({ name: options.project, runtime: "nodejs" }) : shipped;
  const { name: project } = parse(projectFile) as { name: string };
  writeFileSync(join(workDir, "Pulumi.yaml"), projectFile);
  // The program's commands run in the project's folder, and the engine looks there for the `main` of Pulumi.yaml.
  for (const name of ["cli", "index.ts"])
    if (!existsSync(join(workDir, name))) symlinkSync(join(repositoryRoot, name), join(workDir, name));
  const env = environment(options, workDir);
  connectAnew();
  const program: PulumiFn = options.program ?? (async () => (await import("../index.js")).default());
  const workspace = {
    workDir,
    envVars: env,
    pulumiHome: pulumi.env.PULUMI_HOME,
    pulumiCommand: await pulumiCommand(pulumi.cli),
  };
  const exists = existsSync(join(stateDir, "backend", ".pulumi", "stacks", project, `${name}.json`));
  const inline = { projectName: project, stackName: name, program };
  const stack = await (exists
    ? LocalWorkspace.selectStack(inline, workspace)
    : LocalWorkspace.createStack(inline, workspace));
  // After each update the SDK runs three more commands for outputs and history, which take a second. The events have both.
  Object.assign(stack, { outputs: () => Promise.resolve({}), info: () => Promise.resolve(undefined) });
  const opened = new EngineStack(stack, workDir, env, project, {
    "kubernetes:kubeconfig": options.kubeconfig,
    "kubernetes:context": options.context,
  });
  await opened.setConfig(options.config);
  return opened;
}

/** Returns the environment of a pulumi without account, terminal or network. A passphrase made here protects secrets. */
function environment({ stateDir, kubeconfig, pulumi }: EngineOptions, workDir: string): Record<string, string> {
  const passphraseFile = join(stateDir, "passphrase");
  if (!existsSync(passphraseFile))
    writeFileSync(passphraseFile, randomBytes(24).toString("base64url"), { mode: 0o600 });
  const backend = join(stateDir, "backend");
  mkdirSync(backend, { recursive: true });
  return {
    ...pulumi.env,
    KUBECONFIG: kubeconfig,
    PULUMI_BACKEND_URL: `file://${backend}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PWD: workDir,
  };
}

export class EngineStack {
  /** The secrets of the last config, as they were given and as the stack file has them. */
  #secrets: { given: ConfigMap; encrypted: Record<string, unknown> } = { given: {}, encrypted: {} };

  /** @param workDir with `env`, what a `pulumi` run by hand on the same stack takes */
  constructor(
    private readonly stack: Stack,
    readonly workDir: string,
    readonly env: Readonly<Record<string, string>>,
    private readonly project: string,
    private readonly cluster: Record<string, string>,
  ) {}

  get name(): string {
    return this.stack.name;
  }

  /**
   * Replaces all config. A key without a namespace is the project's own. Values are written as YAML, so that the program gets
   * what a hand-written stack file gives it. `{ value, secret: true }` is stored encrypted.
   */
  async setConfig(config: Record<string, unknown>): Promise<void> {
    const { plain, secrets } = splitSecrets({ ...this.cluster, ...config }, this.project);
    const file = join(this.workDir, `Pulumi.${this.stack.name}.yaml`);
    // The CLI takes a second to encrypt, so the same secrets stay as they are.
    if (!isDeepStrictEqual(secrets, this.#secrets.given))
      this.#secrets = { given: secrets, encrypted: await this.#encrypt(secrets, file) };
    writeStackFile(file, { ...plain, ...this.#secrets.encrypted });
  }

  /** Returns the secrets as the CLI writes them into the stack file, whose config they replace. */
  async #encrypt(secrets: ConfigMap, file: string): Promise<Record<string, unknown>> {
    if (Object.keys(secrets).length === 0) return {};
    writeStackFile(file, {});
    await this.stack.setAllConfig(secrets);
    return readStackFile(file).config ?? {};
  }

  /** @throws UpdateFailed, as do the others, with the report up to the failure */
  preview(options?: { refresh?: boolean; diff?: boolean }): Promise<Report> {
    return this.#run("preview", (recorder) => this.stack.preview({ ...options, ...recorder.options }));
  }

  /** @param options with `replace`, the URNs of resources that are replaced whether they have changed or not */
  up(options?: { refresh?: boolean; replace?: string[] }): Promise<UpReport> {
    return this.#run("update", (recorder) => this.stack.up({ ...options, ...recorder.options }));
  }

  destroy(): Promise<Report> {
    return this.#run("destroy", (recorder) => this.stack.destroy(recorder.options));
  }

  /** Lists the URNs in the state, sorted. */
  async urns(): Promise<string[]> {
    const { deployment } = (await this.stack.exportStack()) as { deployment: { resources?: { urn: string }[] } };
    return (deployment.resources ?? []).map(({ urn }) => urn).sort();
  }

  /** Replaces the state, as `pulumi stack import` does. */
  importState(state: Deployment): Promise<void> {
    return this.stack.importStack(state);
  }

  async #run(what: string, operation: (recorder: Recorder) => Promise<unknown>): Promise<UpReport> {
    const recorder = new Recorder();
    try {
      await operation(recorder);
    } catch (error) {
      throw new UpdateFailed(what, this.stack.name, recorder.report, error);
    }
    return recorder.report;
  }
}

interface Secret {
  readonly value: unknown;
  readonly secret: true;
}

/**
 * Splits the config, by full key, into plain values and secrets, which only the CLI can encrypt. A key with a `:` is a full one
 * (`project:key`) already. Undefined values are left out.
 */
function splitSecrets(
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

interface StackFile {
  config?: Record<string, unknown>;
}

const readStackFile = (path: string): StackFile =>
  existsSync(path) ? ((parse(readFileSync(path, "utf8")) as StackFile | null) ?? {}) : {};

/** Replaces the file's config and keeps the rest: the salt of its encryption. */
function writeStackFile(path: string, config: Record<string, unknown>): void {
  writeFileSync(path, stringify({ ...readStackFile(path), config }));
}

function isSecret(value: unknown): value is Secret {
  return typeof value === "object" && value !== null && "secret" in value && value.secret === true && "value" in value;
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
