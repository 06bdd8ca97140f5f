// Runs the commands of the runbooks, as anyone on call does.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { repositoryRoot } from "../../../sandbox/paths";
import { onTerminal } from "../terminal";
import { run, type Ended, type Scenario } from "./scenario";

const folder = join(repositoryRoot, "docs", "runbooks");

/** Names of all alerts that have a runbook, without their common beginning. */
export const walkedAlerts = readdirSync(folder)
  .map((file) => file.replace(/^AuthentikOutpostShm|\.md$/g, ""))
  .sort();

/** Lists the commands that a runbook asks anyone on call to type: the lines of its console blocks, and the code in its text. */
export function commandsOf(alert: string): string[] {
  const text = readFileSync(join(folder, `AuthentikOutpostShm${alert}.md`), "utf8");
  const inBlocks = [...text.matchAll(/^\$ (.*)$/gm)];
  const inText = [...text.matchAll(/`((?:kubectl|npx|pulumi|curl) [^`]+)`/g)];
  return [...new Set([...inBlocks, ...inText].map(([, command]) => command))];
}

/** Replacements for the words that a runbook leaves to anyone on call. */
export type Words = Partial<Record<"POD" | "JOB", string>>;

/** Records which commands of the runbooks were run. */
export class RunbookWalk {
  private readonly walked = new Map<string, Set<string>>();

  constructor(private readonly scenario: Scenario) {}

  /** Runs a command of the alert's runbook as it stands there, in the scenario's namespace, and returns what it printed. */
  async run(alert: string, command: string, words: Words = {}, status = 0): Promise<string> {
    this.note(alert, command);
    const line = this.concrete(command, words);
    const ended = await this.shell(command.includes("outpost-shm cleanup") ? onTerminal(line) : line);
    assert.equal(ended.status, status, `${command}\n${ended.stdout}${ended.stderr}`);
    return ended.stdout;
  }

  /** Counts a command that the test runs by other means. Throws if the runbook doesn't have it. */
  note(alert: string, command: string): void {
    assert.ok(commandsOf(alert).includes(command), `the runbook of ${alert} has no ${command}`);
    if (!this.walked.has(alert)) this.walked.set(alert, new Set());
    this.walked.get(alert)!.add(command);
  }

  /** Lists the commands of the alert's runbook that were not run. */
  left(alert: string): string[] {
    return commandsOf(alert).filter((command) => !this.walked.get(alert)?.has(command));
  }

  private concrete(command: string, words: Words): string {
    const there = command.replaceAll("-n authentik", `-n ${this.scenario.namespace}`);
    return Object.entries(words).reduce(
      (text, [word, name]) => text.replaceAll(new RegExp(`\\b${word}\\b`, "g"), name),
      there,
    );
  }

  private shell(command: string): Promise<Ended> {
    const { kubectl, cluster } = this.scenario.stage;
    const PATH = [dirname(kubectl), process.env.PATH].join(delimiter);
    const env = { ...process.env, PATH, KUBECONFIG: cluster.kubeconfig, npm_config_registry: "http://127.0.0.1:9" };
    return run("sh", ["-c", command], { cwd: repositoryRoot, env });
  }
}
