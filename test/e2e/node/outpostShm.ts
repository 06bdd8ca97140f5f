// Runs the command line as an operator does: as a process of its own, with a kubeconfig.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { repositoryRoot } from "../../../sandbox/paths";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { onTerminal } from "../terminal";
import { run, type Ended, type Scenario } from "./scenario";

const program = join(repositoryRoot, "cli", "outpost-shm.mjs");

/** Runs `outpost-shm ARGS` in the scenario's namespace. */
export function outpostShm(scenario: Scenario, ...args: string[]): Promise<Ended> {
  return outpostShmAs(scenario.stage.cluster.kubeconfig, scenario, ...args);
}

export function outpostShmAs(kubeconfig: string, { namespace }: Scenario, ...args: string[]): Promise<Ended> {
  return outpostShmOn(kubeconfig, ...args, `--namespace=${namespace}`);
}

/** Runs `outpost-shm ARGS` on the kubeconfig's cluster. */
export function outpostShmOn(kubeconfig: string, ...args: string[]): Promise<Ended> {
  return ended(process.execPath, [program, ...args], kubeconfig);
}

/** Types the same on a terminal, and answers its question. What it prints to stderr is part of `stdout`. */
export function outpostShmOnTerminal(scenario: Scenario, answer: string, ...args: string[]): Promise<Ended> {
  const line = ["node", program, ...args, `--namespace=${scenario.namespace}`].join(" ");
  return ended("sh", ["-c", onTerminal(line, answer)], scenario.stage.cluster.kubeconfig);
}

function ended(file: string, args: string[], kubeconfig: string): Promise<Ended> {
  const env = { ...process.env, KUBECONFIG: kubeconfig, NO_COLOR: "1", npm_config_registry: "http://127.0.0.1:9" };
  return run(file, args, { cwd: repositoryRoot, env });
}

/** Runs it until its stdout has `count` matches of the pattern, then interrupts it as Ctrl-C does. */
export async function interrupted(scenario: Scenario, args: string[], pattern: RegExp, count: number): Promise<Ended> {
  const { child, ended } = started(scenario, args);
  let said = "";
  child.stdout.on("data", (text: string) => {
    said += text;
    if ((said.match(pattern)?.length ?? 0) >= count) child.kill("SIGINT");
  });
  return ended;
}

/** Runs it until `when` has resolved, then sends it a signal. */
export async function signalled(
  scenario: Scenario,
  args: string[],
  when: () => Promise<unknown>,
  signal: "SIGINT" | "SIGKILL" = "SIGINT",
): Promise<Ended> {
  const { child, ended } = started(scenario, args);
  try {
    await when();
  } finally {
    child.kill(signal);
  }
  return ended;
}

function started({ namespace, stage }: Scenario, args: string[]) {
  const env = { ...process.env, KUBECONFIG: stage.cluster.kubeconfig };
  const child = spawn(process.execPath, [program, ...args, `--namespace=${namespace}`], { env, cwd: repositoryRoot });
  const said = { stdout: "", stderr: "" };
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
  const closed = once(child, "close") as Promise<[number | null]>;
  const ended = closed.then(([status]): Ended => ({ status: status ?? -1, ...said }));
  return { child, ended };
}

/** A rule of RBAC in the form of `kubectl create role`. */
export interface Grant {
  verbs: string;
  resources: string;
}

/** Creates an account with only these rights in the scenario's namespace, and a kubeconfig of its token. @returns its path */
export async function restrictedKubeconfig(scenario: Scenario, name: string, grants: Grant[]): Promise<string> {
  await scenario.kubectl("create", "serviceaccount", name);
  for (const [index, { verbs, resources }] of grants.entries()) {
    const role = `${name}-${index}`;
    await scenario.kubectl("create", "role", role, `--verb=${verbs}`, `--resource=${resources}`);
    const subject = `--serviceaccount=${scenario.namespace}:${name}`;
    await scenario.kubectl("create", "rolebinding", role, `--role=${role}`, subject);
  }
  const token = (await scenario.kubectl("create", "token", name)).trim();
  const config = parse(readFileSync(scenario.stage.cluster.kubeconfig, "utf8")) as { users: { user: object }[] };
  config.users[0].user = { token };
  const file = join(createStateFolder(`kubeconfig-${name}`), "kubeconfig");
  writeFileSync(file, stringify(config), { mode: 0o600 });
  return file;
}

/** Returns a table's rows by their first word, each as its cells, and the lines below the table as they are. */
export function rowsOf(stdout: string): { rows: Record<string, string[]>; below: string[] } {
  const [table, ...rest] = stdout.split("\n\n");
  const lines = table.trimEnd().split("\n").slice(1);
  const cells = lines.map((line) => line.split(/ {2,}/));
  const below = rest.join("\n").split("\n");
  return { rows: Object.fromEntries(cells.map((row) => [row[0], row])), below: below.filter((line) => line !== "") };
}
