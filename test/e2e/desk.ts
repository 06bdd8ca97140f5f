// The desk of anyone who uses the program as the README says: a clone, the ordinary `pulumi` CLI, and a kubeconfig.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { parse, stringify } from "yaml";
import { beforeEnd } from "../../sandbox/undoAtExit";
import { withLanguageHost } from "../../sandbox/pulumi/languageHost/install";
import { repositoryRoot } from "../../sandbox/paths";
import { silentProgress } from "../../sandbox/progress";
import { openPulumi } from "../../sandbox/pulumi";
import { createStateFolder } from "../../sandbox/stateFolder";

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** Time after which a command is ended, in milliseconds: before a test's own limit, so that the test shows what it has printed. */
const longestMs = 240_000;
/** Time that one has to end on SIGTERM before it is killed. */
const graceMs = 20_000;

export interface Desk {
  /** Runs a line of shell in the clone. */
  shell(line: string): Promise<Result>;
  /** Runs it likewise, and ends it as Ctrl-C in a terminal does, by a signal to all its processes, once `when` has resolved. */
  interrupt(line: string, when: () => Promise<unknown>): Promise<Result>;
  /** Runs it likewise. Fails with everything that was printed unless it exits with 0. */
  succeed(line: string): Promise<Result>;
}

export interface DeskOptions {
  /** Name; unique among the tests. */
  name: string;
  /** Path of the kubeconfig of the cluster to work on. */
  kubeconfig: string;
  /** Name of its context in the desk's own kubeconfig. */
  context: string;
  /** True if the context is the kubeconfig's current one. By default only a stack's config chooses it. */
  isCurrent?: boolean;
  /** Paths of language hosts beside that of Node, for machines whose Pulumi is built from source. */
  languageHosts?: readonly string[];
}

export async function openDesk({
  name,
  context,
  isCurrent = false,
  languageHosts,
  ...cluster
}: DeskOptions): Promise<Desk> {
  const dir = createStateFolder(name);
  const clone = copyClone(join(dir, "authentik-outpost-shm"));
  const kubeconfig = join(dir, "kubeconfig");
  const renamed = withContext(readFileSync(cluster.kubeconfig, "utf8"), context, isCurrent);
  writeFileSync(kubeconfig, renamed, { mode: 0o600 });
  const pulumi = await openPulumi(silentProgress);
  const bin = withLanguageHost(pulumi.cli, join(dir, "bin"), languageHosts);
  mkdirSync(join(dir, "backend"));
  const env = {
    ...process.env,
    ...pulumi.env,
    KUBECONFIG: kubeconfig,
    PULUMI_BACKEND_URL: `file://${join(dir, "backend")}`,
    PULUMI_CONFIG_PASSPHRASE: "desk",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // The program runs on the Node that runs this test.
    PATH: [bin, dirname(process.execPath), process.env.PATH].join(":"),
  };
  const start = (line: string) => {
    // A group of its own, so that all of it can be ended.
    const child = spawn("sh", ["-c", line], { cwd: clone, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const kill = () => void process.kill(-child.pid!, "SIGKILL");
    // On SIGTERM the CLI says how far it came, unlocks the stack for the tests that follow, and ends its plugins, which have
    // groups of their own.
    const end = () => void process.kill(-child.pid!, "SIGTERM");
    const timers = [setTimeout(end, longestMs)];
    const stop = async () => {
      end();
      timers.push(setTimeout(kill, graceMs));
      await ended;
    };
    const release = beforeEnd({ stop, kill });
    const ended = (once(child, "close") as Promise<[number | null]>).finally(() => {
      timers.forEach(clearTimeout);
      release();
    });
    const result = Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { child, result: result.then(([stdout, stderr, [code]]) => ({ stdout, stderr, code: code ?? -1 })) };
  };
  const shell = (line: string): Promise<Result> => start(line).result;
  const interrupt = async (line: string, when: () => Promise<unknown>): Promise<Result> => {
    const { child, result } = start(line);
    try {
      await when();
    } finally {
      process.kill(-child.pid!, "SIGINT");
    }
    return result;
  };
  const succeed = async (line: string): Promise<Result> => {
    const result = await shell(line);
    assert.equal(result.code, 0, `${line}:\n${result.stdout}\n${result.stderr}`);
    return result;
  };
  return { shell, interrupt, succeed };
}

/** Copies this clone as it is now, without ignored files, and links its node_modules: as after `git clone` and `npm ci`. */
function copyClone(target: string): string {
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const files = execFileSync("git", list, { cwd: repositoryRoot, encoding: "utf8" }).split("\0");
  for (const file of files.filter((name) => name && existsSync(join(repositoryRoot, name))))
    cpSync(join(repositoryRoot, file), join(target, file));
  symlinkSync(join(repositoryRoot, "node_modules"), join(target, "node_modules"));
  return target;
}

/** Returns a kubeconfig of one context, with another name for it. */
function withContext(text: string, context: string, isCurrent: boolean): string {
  const kubeconfig = parse(text) as { contexts: { name: string }[]; "current-context"?: string };
  kubeconfig.contexts[0].name = context;
  if (isCurrent) kubeconfig["current-context"] = context;
  else delete kubeconfig["current-context"];
  return stringify(kubeconfig);
}
