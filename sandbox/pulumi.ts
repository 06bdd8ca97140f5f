/**
 * Pulumi as this machine can have it. On an open network that is the official CLI, the one on PATH or a download, and the
 * official plugins. Elsewhere CLI and Kubernetes provider are built from their Go modules, and a stand-in takes the Command
 * provider's place.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import { version as command } from "@pulumi/command/package.json";
import { version as kubernetes } from "@pulumi/kubernetes/package.json";
import { addDynamicHost } from "./dynamicHost";
import { cacheDir } from "./paths";
import type { Progress } from "./progress";
import { writeScript } from "./script";
import { createStateFolder } from "./stateFolder";
import { ensureTools, type Tool } from "./toolchain";
import { findExecutable, pulumiOnPath } from "./toolchain/pulumiOnPath";

export interface Pulumi {
  /** Path of the CLI. */
  readonly cli: string;
  /** For the CLI's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A plugin belongs to the SDK of the same version. */
const versions = { command, kubernetes } as const;
type Plugin = keyof typeof versions;

/** The downloads are some 150 MB; a site that has not sent one by then is as good as closed. In milliseconds. */
const downloadTimeoutMs = 180_000;

/** What the CLI says when the plugins' site is out of reach, which another try will not change. */
const unreachable =
  /Error downloading plugin: .*?(dial tcp.*|proxyconnect.*|connection refused|no such host|certificate.*)/;

/**
 * Finds, downloads or builds what is needed, once, and announces what is not a download of the official. Never fails for
 * want of a network.
 * @param tools that are needed next: they are built in the same go, so that one line says how long all of it takes
 */
export async function openPulumi(progress: Progress, tools: readonly Tool[] = []): Promise<Pulumi> {
  nameAmbientPlugins(progress);
  const downloads = join(cacheDir(), "pulumi");
  const { cli, refusal } = await official(downloads, progress);
  if (cli && !refusal) {
    await ensureTools(tools, progress);
    return { cli, env: environment(downloads) };
  }

  progress.say(
    `Pulumi's downloads are out of reach here (${refusal}). Its Kubernetes provider is built from its Go module instead` +
      `${cli ? "" : ", and so is its CLI"}; a stand-in takes the Command provider's place.`,
  );
  const own = ["pulumi-resource-kubernetes", ...(cli ? [] : ["pulumi" as const])] as const;
  const built = await ensureTools([...own, ...tools], progress);
  if (!cli) addDynamicHost(built.pulumi);
  return { cli: cli ?? built.pulumi, env: environment(homeOfOurOwn(built["pulumi-resource-kubernetes"])) };
}

/** What can be had as Pulumi releases it: the CLI, and with no refusal the plugins too. */
interface Official {
  cli?: string;
  /** Why the rest can't be had. */
  refusal?: string;
}

async function official(home: string, progress: Progress): Promise<Official> {
  const { cli, refusal } = await officialCli(progress);
  return { cli, refusal: cli ? await downloadPlugins(cli, home, progress) : refusal };
}

/** A plugin on PATH would be taken before the one of the right version. */
const environment = (home: string) => ({ PULUMI_HOME: home, PULUMI_IGNORE_AMBIENT_PLUGINS: "true" });

function nameAmbientPlugins(progress: Progress): void {
  for (const plugin of Object.keys(versions) as Plugin[]) {
    const found = findExecutable(`pulumi-resource-${plugin}`, process.env.PATH ?? "");
    if (found) progress.say(`not using the plugin on PATH, ${found}: the program needs ${plugin} ${versions[plugin]}`);
  }
}

async function officialCli(progress: Progress): Promise<Official> {
  const found = pulumiOnPath();
  if (found && !found.reason) {
    progress.say(`using the pulumi on PATH: ${found.path} (${found.version})`);
    return { cli: found.path };
  }
  if (found) progress.say(`not using the pulumi on PATH, ${found.path} (${found.version}): ${found.reason}`);
  const root = join(cacheDir(), "pulumi-cli");
  const cli = join(root, "bin", "pulumi");
  if (existsSync(cli)) return { cli };
  const step = progress.step("installing the Pulumi CLI");
  try {
    await inTime(PulumiCommand.install({ root }));
    step.done();
    return { cli };
  } catch (error) {
    const refusal = (error as Error).message.trim().split("\n")[0];
    step.done(`not available: ${refusal}`);
    return { refusal };
  }
}

async function inTime<T>(download: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not there after ${downloadTimeoutMs / 1000} s`)), downloadTimeoutMs);
  });
  return Promise.race([download, timeout]).finally(() => clearTimeout(timer));
}

/** Undefined once every plugin is there; else why one can't be. */
async function downloadPlugins(cli: string, home: string, progress: Progress): Promise<string | undefined> {
  const plugins = Object.keys(versions) as Plugin[];
  const missing = plugins.filter((name) => !existsSync(pluginFolder(home, name)));
  if (missing.length === 0) return undefined;
  const step = progress.step(
    `installing Pulumi plugins ${missing.map((name) => `${name} ${versions[name]}`).join(", ")}`,
  );
  for (const name of missing) {
    const problem = await downloadPlugin(cli, home, name);
    if (problem === undefined) continue;
    step.done(`not available: ${problem}`);
    return problem;
  }
  step.done();
  return undefined;
}

const pluginFolder = (home: string, name: Plugin): string =>
  join(home, "plugins", `resource-${name}-v${versions[name]}`);

/** Undefined on success. The CLI retries for seconds where no route leads to the site; the first refusal is enough. */
async function downloadPlugin(cli: string, home: string, name: Plugin): Promise<string | undefined> {
  const install = ["plugin", "install", "resource", name, versions[name], "--non-interactive", "--color", "never"];
  const child = spawn(cli, install, {
    env: { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  let problem: string | undefined;
  const giveUp = (reason: string) => {
    problem ??= reason;
    child.kill("SIGKILL");
  };
  const timer = setTimeout(() => giveUp(`not there after ${downloadTimeoutMs / 1000} s`), downloadTimeoutMs);
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    said += chunk;
    const refusal = unreachable.exec(said)?.[1];
    if (refusal) giveUp(refusal);
  });
  const code = await new Promise<number | null>((resolve) => {
    child.on("error", (error) => giveUp(error.message));
    child.on("close", resolve);
  });
  clearTimeout(timer);
  if (code === 0) return undefined;
  return problem ?? said.trim().split("\n").at(-1) ?? `pulumi plugin install ended with ${code}`;
}

/** A home with plugins where the engine looks for the official ones of the SDKs' versions. */
function homeOfOurOwn(kubernetesProvider: string): string {
  const home = createStateFolder("pulumi");
  const executable = (name: Plugin) => {
    mkdirSync(pluginFolder(home, name), { recursive: true });
    return join(pluginFolder(home, name), `pulumi-resource-${name}`);
  };
  symlinkSync(kubernetesProvider, executable("kubernetes"));
  writeScript(executable("command"), join(__dirname, "commandStandIn.ts"));
  return home;
}
