/**
 * Provides the Pulumi that this machine can get. On an open network that is the official CLI, from PATH or a download, and the
 * official plugins. Elsewhere CLI and Kubernetes provider are built from their Go modules, and a stand-in replaces the Command
 * provider.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { version as command } from "@pulumi/command/package.json";
import { version as kubernetes } from "@pulumi/kubernetes/package.json";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import { addDynamicHost } from "./pulumi/dynamicHost";
import { cacheDir } from "./paths";
import { findExecutable } from "./processes";
import type { Progress } from "./progress";
import { writeScript } from "./script";
import { createStateFolder } from "./stateFolder";
import { ensureTools, type Tool } from "./toolchain";
import { pulumiOnPath } from "./pulumi/pulumiOnPath";

export interface Pulumi {
  /** Path of the CLI. */
  readonly cli: string;
  /** Variables for the CLI's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Versions of the plugins. Each belongs to the SDK of the same version. */
const versions = { command, kubernetes } as const;
type Plugin = keyof typeof versions;

/** Limit for downloads of some 150 MB. A site that has not sent one by then might as well be closed. In milliseconds. */
const downloadTimeoutMs = 180_000;
const tooLate = `not there after ${downloadTimeoutMs / 1000} s`;

/** Matches the CLI's messages if the plugins' site is out of reach, which another try will not change. */
const unreachable =
  /Error downloading plugin: .*?(dial tcp.*|proxyconnect.*|connection refused|no such host|certificate.*)/;

/**
 * Finds, downloads or builds what is needed, once, and announces everything that is not an official download. Never fails for
 * lack of a network.
 * @param tools to build in the same step because they are needed next; one line then reports how long all of it takes
 */
export async function openPulumi(progress: Progress, tools: readonly Tool[] = []): Promise<Pulumi> {
  nameAmbientPlugins(progress);
  const downloads = homeWithoutLogs(join(cacheDir(), "pulumi"));
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

/** The official parts that are available: the CLI, and without a refusal the plugins, too. */
interface Official {
  cli?: string;
  /** Reason why the rest is not available. */
  refusal?: string;
}

async function official(home: string, progress: Progress): Promise<Official> {
  const { cli, refusal } = await officialCli(progress);
  return { cli, refusal: cli ? await downloadPlugins(cli, home, progress) : refusal };
}

/** Ignores plugins on PATH, which would take precedence over those of the right version. */
const environment = (home: string) => ({ PULUMI_HOME: home, PULUMI_IGNORE_AMBIENT_PLUGINS: "true" });

/**
 * Makes a home of the CLI with a file where the CLI would make the folder of its logs: it goes on without them, and no variable
 * turns them off. They take a third of its CPU time, since all that providers hear and say is compressed and encrypted there.
 */
function homeWithoutLogs(home: string): string {
  mkdirSync(home, { recursive: true });
  const logs = join(home, "logs");
  if (statSync(logs, { throwIfNoEntry: false })?.isDirectory()) rmSync(logs, { recursive: true });
  writeFileSync(logs, "");
  return home;
}

function nameAmbientPlugins(progress: Progress): void {
  for (const plugin of Object.keys(versions) as Plugin[]) {
    const found = findExecutable(`pulumi-resource-${plugin}`);
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
    step.fail("not available"); // openPulumi says why
    return { refusal };
  }
}

async function inTime<T>(download: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(tooLate)), downloadTimeoutMs);
  });
  return Promise.race([download, timeout]).finally(() => clearTimeout(timer));
}

/** Returns undefined once every plugin is there, otherwise why one is not available. */
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
    step.fail("not available");
    return problem;
  }
  step.done();
  return undefined;
}

const pluginFolder = (home: string, name: Plugin): string =>
  join(home, "plugins", `resource-${name}-v${versions[name]}`);

/** Returns undefined on success. Stops at the first refusal, since the CLI retries for seconds if no route leads to the site. */
async function downloadPlugin(cli: string, home: string, name: Plugin): Promise<string | undefined> {
  const install = ["plugin", "install", "resource", name, versions[name], "--non-interactive", "--color", "never"];
  const child = spawn(cli, install, {
    env: { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: downloadTimeoutMs,
    killSignal: "SIGKILL",
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    said += chunk;
    if (unreachable.test(said)) child.kill("SIGKILL");
  });
  const [code] = (await once(child, "close").catch(({ message }: Error) => [message])) as [number | string | null];
  if (code === 0) return undefined;
  const lastLine = said.trim().split("\n").at(-1) || `pulumi plugin install ended with ${code}`;
  return unreachable.exec(said)?.[1] ?? (code === null ? tooLate : lastLine);
}

const commands = new Map<string, Promise<PulumiCommand>>();

/** Wraps the CLI at `pulumi` for the Automation API. Asks for its version only once. */
export function pulumiCommand(pulumi: string): Promise<PulumiCommand> {
  const command = commands.get(pulumi) ?? PulumiCommand.get({ root: installationOf(pulumi) });
  commands.set(pulumi, command);
  return command;
}

/** Makes a folder like that of an installation, where the Automation API looks for `bin/pulumi`. */
function installationOf(pulumi: string): string {
  const root = createStateFolder("pulumi-cli");
  mkdirSync(join(root, "bin"));
  symlinkSync(pulumi, join(root, "bin", "pulumi"));
  return root;
}

/** Makes a home with plugins where the engine looks for the official ones of the SDKs' versions. */
function homeOfOurOwn(kubernetesProvider: string): string {
  const home = homeWithoutLogs(createStateFolder("pulumi"));
  const executable = (name: Plugin) => {
    mkdirSync(pluginFolder(home, name), { recursive: true });
    return join(pluginFolder(home, name), `pulumi-resource-${name}`);
  };
  symlinkSync(kubernetesProvider, executable("kubernetes"));
  writeScript(executable("command"), join(__dirname, "pulumi", "commandStandIn.ts"));
  return home;
}
