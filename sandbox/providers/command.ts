/**
 * Stand-in for the Command provider, for machines where its plugin cannot be installed: `command:local:Command`, run
 * by /bin/sh (or `interpreter`) with `environment`, `stdin` and `dir`, made anew when `triggers` change. Assets,
 * archives and remote commands are not there.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { containsSecret, isProperties, reveal, secret, type Properties, type Value } from "./properties";
import type { Diff, Log, PropertyChange, Provider, ReadRequest } from "./server";

const localCommand = "command:local:Command";

export class CommandStandIn implements Provider {
  constructor(private readonly log: Log) {}

  configure(): Promise<void> {
    return Promise.resolve();
  }

  check({ urn, news }: Parameters<Provider["check"]>[0]): Promise<Properties> {
    if (!urn.split("::")[2]?.endsWith(localCommand)) {
      return Promise.reject(
        new Error(`the stand-in of the Command provider has ${localCommand} only, not what ${urn} is`),
      );
    }
    return Promise.resolve(news);
  }

  diff({ state, news, ignored }: Parameters<Provider["diff"]>[0]): Promise<Diff> {
    const old = reveal(state);
    delete old.stdout;
    delete old.stderr;
    const next = reveal(news);
    const keys = [...new Set([...Object.keys(old), ...Object.keys(next)])].filter((key) => !ignored.includes(key));
    const changed = keys.filter((key) => JSON.stringify(old[key]) !== JSON.stringify(next[key]));
    const kindOf = (key: string) => (old[key] === undefined ? "add" : next[key] === undefined ? "delete" : "update");
    const changes = changed.map((key): [string, PropertyChange] => [
      key,
      { kind: kindOf(key), replace: key === "triggers" },
    ]);
    return Promise.resolve({ changes: new Map(changes), deleteBeforeReplace: false });
  }

  async create({
    urn,
    inputs,
    preview,
  }: Parameters<Provider["create"]>[0]): Promise<{ id: string; state: Properties }> {
    if (preview) return { id: "", state: inputs };
    return { id: `command${randomBytes(4).toString("hex")}`, state: await this.#run(urn, "create", inputs, {}) };
  }

  /** A command leaves nothing to look at: its state is what it printed. */
  read({ id, state, inputs }: ReadRequest): Promise<{ id: string; state: Properties; inputs: Properties }> {
    return Promise.resolve({ id, state, inputs });
  }

  async update({ urn, state, news, preview }: Parameters<Provider["update"]>[0]): Promise<Properties> {
    if (preview) return { ...state, ...news };
    return this.#run(urn, news.update ? "update" : "create", news, state);
  }

  async delete({ urn, state }: Parameters<Provider["delete"]>[0]): Promise<void> {
    await this.#run(urn, "delete", state, state);
  }

  /** Runs the command of that step, if there is one; what it prints is secret when anything given to it was. */
  async #run(urn: string, step: "create" | "update" | "delete", inputs: Properties, previous: Properties) {
    const before = reveal({ stdout: previous.stdout ?? "", stderr: previous.stderr ?? "" });
    const { [step]: command, ...settings } = reveal(inputs);
    const mark = (output: Value) => (containsSecret(inputs) ? secret(output) : output);
    if (typeof command !== "string") return { ...inputs, stdout: mark(before.stdout), stderr: mark(before.stderr) };
    const printed = await run(command, settings, before);
    const said = [printed.stdout, printed.stderr].filter(Boolean).join("\n");
    if (said && settings.logging !== "none" && !containsSecret(inputs)) await this.log("info", urn, said);
    return { ...inputs, stdout: mark(printed.stdout), stderr: mark(printed.stderr) };
  }
}

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** @throws Error with the command's exit status, itself and all it printed, worded as the Command provider does */
async function run(command: string, settings: Properties, previous: Properties): Promise<Printed> {
  const { interpreter, dir, environment, stdin, addPreviousOutputInEnv } = settings;
  const [program = "/bin/sh", ...args] =
    Array.isArray(interpreter) && interpreter.length > 0 ? interpreter : ["/bin/sh", "-c"];
  const outputs = { PULUMI_COMMAND_STDOUT: previous.stdout, PULUMI_COMMAND_STDERR: previous.stderr };
  const child = spawn(program as string, [...(args as string[]), command], {
    cwd: typeof dir === "string" ? dir : undefined,
    env: {
      ...process.env,
      ...(isProperties(environment) ? (environment as Record<string, string>) : {}),
      ...(addPreviousOutputInEnv === false ? {} : (outputs as Record<string, string>)),
    },
  });
  const printed = { stdout: "", stderr: "", both: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (chunk: string) => {
      printed[stream] += chunk;
      printed.both += chunk;
    });
  }
  // A command need not read its input; that it closed it is not its failure.
  child.stdin.on("error", () => {});
  child.stdin.end(typeof stdin === "string" ? stdin : "");
  const ended = await new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(signal ? `signal: ${signal}` : `exit status ${code}`));
  });
  if (ended !== "exit status 0") throw new Error(`${ended}: running ${JSON.stringify(command)}:\n${printed.both}`);
  return { stdout: printed.stdout.replace(/\n$/, ""), stderr: printed.stderr.replace(/\n$/, "") };
}
