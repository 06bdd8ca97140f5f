/**
 * Runs the program as `pulumi preview`, `up`, `refresh` and `destroy` do, through Pulumi's Automation API. The program runs
 * inline, with its state in a folder and with stack config as a hand-written stack file would give it. The report of what
 * happened comes from the engine's own events.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LocalWorkspace, type Deployment, type PulumiFn, type Stack } from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";
import { connectAnew } from "./engine/connections";
import { Recorder, UpdateFailed, type PreviewReport, type Report, type UpReport } from "./engine/report";
import { splitSecrets, writeStackFile } from "./engine/stackFile";
import { repositoryRoot } from "./paths";
import type { Pulumi } from "./pulumi";
import { pulumiCommand } from "./pulumiCommand";

export { UpdateFailed, type PreviewReport, type Report, type UpReport } from "./engine/report";

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

export interface EngineStack {
  readonly name: string;
  /** Working directory and environment for a `pulumi` run by hand on the same stack. */
  readonly workDir: string;
  readonly env: Readonly<Record<string, string>>;
  /**
   * Replaces all config. A key without a namespace is the project's own. Values are written as YAML, so that the program gets
   * what a hand-written stack file gives it. `{ value, secret: true }` is stored encrypted.
   */
  setConfig(config: Record<string, unknown>): Promise<void>;
  /** @throws UpdateFailed, as do the others, with the report up to the failure */
  preview(options?: { refresh?: boolean; diff?: boolean }): Promise<PreviewReport>;
  up(options?: { refresh?: boolean }): Promise<UpReport>;
  refresh(): Promise<Report>;
  destroy(): Promise<Report>;
  /** Lists the URNs in the state, sorted. */
  urns(): Promise<string[]>;
  /** Replaces the state, as `pulumi stack import` does. */
  importState(state: Deployment): Promise<void>;
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
    pulumiCommand: await pulumiCommand(pulumi.cli, join(stateDir, "cli")),
  };
  const exists = existsSync(join(stateDir, "backend", ".pulumi", "stacks", project, `${name}.json`));
  const inline = { projectName: project, stackName: name, program };
  const stack = await (exists
    ? LocalWorkspace.selectStack(inline, workspace)
    : LocalWorkspace.createStack(inline, workspace));
  // After each update the SDK runs three more commands for outputs and history, which take a second. The events have both.
  Object.assign(stack, { outputs: () => Promise.resolve({}), info: () => Promise.resolve(undefined) });
  const opened = new OpenedStack(stack, workDir, env, project, {
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

class OpenedStack implements EngineStack {
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

  async setConfig(config: Record<string, unknown>): Promise<void> {
    const { plain, secrets } = splitSecrets({ ...this.cluster, ...config }, this.project);
    writeStackFile(join(this.workDir, `Pulumi.${this.stack.name}.yaml`), plain);
    if (Object.keys(secrets).length > 0) await this.stack.setAllConfig(secrets);
  }

  preview(options?: { refresh?: boolean; diff?: boolean }): Promise<PreviewReport> {
    return this.#run("preview", (recorder) => this.stack.preview({ ...options, ...recorder.options }));
  }

  up(options?: { refresh?: boolean }): Promise<UpReport> {
    return this.#run("update", (recorder) => this.stack.up({ ...options, ...recorder.options }));
  }

  refresh(): Promise<Report> {
    return this.#run("refresh", (recorder) => this.stack.refresh(recorder.options));
  }

  destroy(): Promise<Report> {
    return this.#run("destroy", (recorder) => this.stack.destroy(recorder.options));
  }

  async urns(): Promise<string[]> {
    const { deployment } = (await this.stack.exportStack()) as { deployment: { resources?: { urn: string }[] } };
    return (deployment.resources ?? []).map(({ urn }) => urn).sort();
  }

  importState(state: Deployment): Promise<void> {
    return this.stack.importStack(state);
  }

  async #run(what: string, operation: (recorder: Recorder) => Promise<unknown>): Promise<UpReport> {
    const recorder = new Recorder();
    try {
      await operation(recorder);
    } catch (error) {
      throw new UpdateFailed(what, this.stack.name, recorder.report(), error);
    }
    return recorder.report();
  }
}
