// `npm test`: runs every tier that requires no root, then prints one line of totals. `npm test -- unit` runs the named tiers
// only, and `npm run test:node` the one that requires root.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { beforeEnd } from "../sandbox/undoAtExit";
import { ensureNodePackages } from "../sandbox/node/packages";
import { repositoryRoot } from "../sandbox/paths";
import { consoleProgress } from "../sandbox/progress";
import { openPulumi } from "../sandbox/pulumi";
import { createStateFolder } from "../sandbox/stateFolder";
import { ensureTools } from "../sandbox/toolchain";
import { LANES, tiers, type Tier } from "./tiers";

interface Failure {
  title: string;
  message: string;
}

interface Totals {
  passed: number;
  failures: Failure[];
}

/** Totals of a run, and everything it printed. */
interface Outcome extends Totals {
  output: string;
}

/** Runs a Node script in the clone and collects what it prints, in order. */
async function node(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ status: number | null; output: string }> {
  // One shell for both streams keeps them in the order in which they were written.
  const child = spawn("sh", ["-c", 'exec "$@" 2>&1', "sh", process.execPath, ...args], {
    cwd: repositoryRoot,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  const release = beforeEnd({
    // This is the one signal that mocha passes on to the process of its tests, which then stops what they started.
    stop: async () => {
      child.kill("SIGINT");
      await ended;
    },
  });
  const output = await text(child.stdout);
  const status = await ended;
  release();
  return { status, output };
}

async function runChecks(tier: Tier): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failures: [], output: "" };
  for (const { name, args } of tier.checks ?? []) {
    const { status, output } = await node(args);
    outcome.output += `${output}  ${status === 0 ? "✔" : "✘"} ${name}\n`;
    if (status === 0) outcome.passed += 1;
    else outcome.failures.push({ title: name, message: output.trimEnd() });
  }
  return outcome;
}

async function runMocha({ specs, timeout }: Tier): Promise<Outcome> {
  if (!specs) return { passed: 0, failures: [], output: "" };
  const file = join(createStateFolder("test"), "totals.json");
  const mocha = ["node_modules/mocha/bin/mocha.js", "--reporter", "test/reporter.cjs", "--timeout", String(timeout)];
  const { status, output } = await node([...mocha, ...specs], { TEST_TOTALS: file });
  const { passed, failures } = existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as Totals)
    : { passed: 0, failures: [] };
  // A mocha that ends badly without a failed test has crashed, or could not import one.
  if (status !== 0 && failures.length === 0)
    failures.push({ title: `mocha ended with ${status ?? "a signal"}`, message: output.slice(-2000) });
  return { passed, failures, output };
}

/** Runs tiers until the queue is empty. Each is printed whole when it ends, since other lanes take from the queue, too. */
async function runLane(queue: Tier[]): Promise<Totals[]> {
  const totals: Totals[] = [];
  for (let tier = queue.shift(); tier; tier = queue.shift()) {
    const { name } = tier;
    const started = Date.now();
    const outcomes = [await runChecks(tier), await runMocha(tier)];
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    console.log(
      `\n── ${name}: ${tier.what}\n${outcomes.map(({ output }) => output).join("")}── ${name} took ${seconds} s`,
    );
    for (const { passed, failures } of outcomes)
      totals.push({ passed, failures: failures.map((one) => ({ ...one, title: `${name}: ${one.title}` })) });
  }
  return totals;
}

function selectTiers(names: string[]): Tier[] {
  const unknown = names.filter((name) => !tiers.some((tier) => tier.name === name));
  if (unknown.length > 0) {
    console.error(`unknown tier ${unknown.join(", ")}; there are: ${tiers.map(({ name }) => name).join(", ")}`);
    process.exit(2);
  }
  return tiers.filter(({ name, onlyByName }) => (names.length > 0 ? names.includes(name) : !onlyByName));
}

function describeFailure({ title, message }: Failure): string {
  return `  ${title}\n${message.replace(/^/gm, "    ")}`;
}

/** Ends here if no node can run, not after the minutes that its tools take to build. */
function requireNode(): void {
  try {
    ensureNodePackages(consoleProgress());
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

async function main(names: string[]): Promise<void> {
  const selected = selectTiers(names);
  if (selected.some(({ name }) => name === "node")) requireNode();
  // Built before the lanes start, so that everyone sees the progress: the first time it takes minutes.
  const needed = selected.flatMap(({ tools = [] }) => tools);
  if (selected.some(({ pulumi }) => pulumi)) await openPulumi(consoleProgress(), needed);
  else await ensureTools(needed, consoleProgress());
  console.log(`Running ${selected.map(({ name }) => name).join(", ")}; each tier is shown when it ends.`);
  const queue = [...selected];
  const totals = (await Promise.all(Array.from({ length: LANES }, () => runLane(queue)))).flat();
  const passed = totals.reduce((sum, { passed }) => sum + passed, 0);
  // Printed once more, since the tests' own output is by now far above.
  const failures = totals.flatMap(({ failures }) => failures);
  if (failures.length > 0) console.log(`\nFailed:\n${failures.map(describeFailure).join("\n")}`);
  console.log(`\n${passed} passed, ${failures.length} failed`);
  process.exitCode = failures.length === 0 && passed > 0 ? 0 : 1;
}

void main(process.argv.slice(2));
