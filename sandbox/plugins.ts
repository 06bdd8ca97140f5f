/**
 * Which providers this machine can use: the official plugins where they can be installed, else the stand-ins of
 * sandbox/providers/, and then it says so.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { version as command } from "@pulumi/command/package.json";
import { version as kubernetes } from "@pulumi/kubernetes/package.json";
import type { Progress } from "./progress";
import { startStandIns } from "./providers/standIns";

/** A plugin belongs to the SDK of the same version. */
const versions = { kubernetes, command } as const;

/** The plugins are some 50 MB; a site that has not sent them by then is as good as closed. In milliseconds. */
const installTimeoutMs = 120_000;

/** What the CLI says when the plugins' site is out of reach, which another try will not change. */
const unreachable =
  /Error downloading plugin: .*?(dial tcp.*|proxyconnect.*|connection refused|no such host|certificate.*)/;

interface UsablePlugins {
  /** For the environment of the Pulumi CLI. */
  readonly env: Record<string, string>;
  stop(): Promise<void>;
}
export type Plugins =
  | ({ readonly kind: "official" } & UsablePlugins)
  | ({ readonly kind: "stand-in"; readonly reason: string } & UsablePlugins);

export interface PluginOptions {
  /** Path of the Pulumi CLI. */
  readonly pulumi: string;
  /** PULUMI_HOME: the folder the plugins are kept in, made if missing. */
  readonly pulumiHome: string;
  /** Path of the kubeconfig that a stand-in uses for a stack whose provider settings name none. */
  readonly kubeconfig: string;
  readonly progress: Progress;
}

/**
 * Installs the official plugins into `pulumiHome` (once; 120 s at most), or starts the stand-ins and announces them
 * with the reason. Never fails for want of a network. `stop()` ends stand-ins; official plugins have nothing to stop.
 */
export async function openPlugins({ pulumi, pulumiHome, kubeconfig, progress }: PluginOptions): Promise<Plugins> {
  const reason = await installationProblem(pulumi, pulumiHome, progress);
  const home = { PULUMI_HOME: pulumiHome };
  if (reason === undefined) return { kind: "official", env: home, stop: () => Promise.resolve() };
  const standIns = await startStandIns(versions, kubeconfig);
  progress.say(
    `The official plugins of Pulumi's Kubernetes and Command providers can't be installed here (${reason}). ` +
      "The sandbox's stand-ins take their place: they talk to the real API server, but do not wait for rollouts.",
  );
  return { kind: "stand-in", reason, env: { ...home, ...standIns.env }, stop: () => standIns.stop() };
}

/** Undefined once every plugin is there; else why one can't be. */
async function installationProblem(pulumi: string, home: string, progress: Progress): Promise<string | undefined> {
  const missing = Object.entries(versions).filter(
    ([name, version]) => !existsSync(join(home, "plugins", `resource-${name}-v${version}`)),
  );
  if (missing.length === 0) return undefined;
  const step = progress.step(
    `installing Pulumi plugins ${missing.map(([name, version]) => `${name} ${version}`).join(", ")}`,
  );
  for (const [name, version] of missing) {
    const problem = await installPlugin(pulumi, home, name, version);
    if (problem === undefined) continue;
    step.done(`not available: ${problem}`);
    return problem;
  }
  step.done();
  return undefined;
}

/** Undefined on success. The CLI retries for seconds where no route leads to the site; the first refusal is enough. */
async function installPlugin(pulumi: string, home: string, name: string, version: string): Promise<string | undefined> {
  const child = spawn(
    pulumi,
    ["plugin", "install", "resource", name, version, "--non-interactive", "--color", "never"],
    {
      env: { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let said = "";
  let problem: string | undefined;
  const giveUp = (reason: string) => {
    problem ??= reason;
    child.kill("SIGKILL");
  };
  const timer = setTimeout(() => giveUp(`not there after ${installTimeoutMs / 1000} s`), installTimeoutMs);
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
