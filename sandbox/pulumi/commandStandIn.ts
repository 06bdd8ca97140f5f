/**
 * Stand-in for Pulumi's Command provider on machines that can't download its plugin, which can't be built from a Go module
 * either. It supports only what this program requires of `command:local:Command`: it runs `create` by its `interpreter`
 * (default: /bin/sh -c) with `environment` and `stdin`, runs it again if the inputs change, and replaces the resource if its
 * `triggers` do. It runs `delete` in the end. The engine starts it like any plugin.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { version } from "@pulumi/command/package.json";
import { main, type Provider } from "@pulumi/pulumi/provider";
import { isRpcSecret, specialSecretSig, specialSigKey, unwrapRpcSecret } from "@pulumi/pulumi/runtime/rpc";

type Properties = Record<string, unknown>;

const known = ["create", "delete", "interpreter", "environment", "stdin", "triggers"];
const interruption = new AbortController();

const provider: Provider = {
  version,
  check: (urn, _olds, news: Properties) => {
    const surplus = Object.keys(news).filter((key) => !known.includes(key) && !key.startsWith("__"));
    if (!urn.split("::")[2].endsWith("command:local:Command")) throw new Error(`the stand-in has no ${urn}`);
    const failures = surplus.map((property) => ({ property, reason: "the stand-in doesn't know it" }));
    return Promise.resolve({ inputs: news, failures });
  },
  diff: (_id, _urn, olds: Properties, news: Properties) => {
    const changed = known.filter((key) => !isDeepStrictEqual(revealed(olds[key]), revealed(news[key])));
    return Promise.resolve({ changes: changed.length > 0, replaces: changed.filter((key) => key === "triggers") });
  },
  create: async (_urn, inputs: Properties) => ({
    id: `command${randomBytes(4).toString("hex")}`,
    outs: await outputsOf(inputs),
  }),
  update: async (_id, _urn, _olds, news: Properties) => ({ outs: await outputsOf(news) }),
  delete: async (_id, _urn, props: Properties) => {
    const inputs = revealed(props) as Properties;
    await run({ ...inputs, create: inputs.delete });
  },
  cancel: () => {
    interruption.abort();
    return Promise.resolve();
  },
};

/** Computes the outputs. As in the official provider, they are secret if an input is. */
async function outputsOf(inputs: Properties): Promise<Properties> {
  const outputs = await run(revealed(inputs) as Properties);
  const isSecret = JSON.stringify(inputs).includes(specialSecretSig);
  for (const key of isSecret ? Object.keys(outputs) : [])
    outputs[key] = { [specialSigKey]: specialSecretSig, value: outputs[key] };
  return { ...inputs, ...outputs };
}

/** @throws Error worded as by the official provider, with the command and everything it printed */
async function run({ create, interpreter, environment, stdin }: Properties): Promise<Properties> {
  if (create === undefined) return { stdout: "", stderr: "" };
  const [program, ...args] = [...((interpreter as string[] | undefined) ?? ["/bin/sh", "-c"]), create as string];
  const child = spawn(program, args, {
    env: { ...process.env, ...(environment as Record<string, string> | undefined) },
    signal: interruption.signal,
  });
  const printed = { stdout: "", stderr: "", both: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (chunk: string) => {
      printed[stream] += chunk;
      printed.both += chunk;
    });
  }
  child.stdin.on("error", () => undefined); // a command need not read its input
  child.stdin.end((stdin as string | undefined) ?? "");
  const ended = await new Promise<string>((resolve) => {
    child.on("error", ({ name, message }) => name !== "AbortError" && resolve(message));
    child.on("close", (code, signal) => resolve(signal ? `signal: ${signal}` : `exit status ${code}`));
  });
  if (ended !== "exit status 0") throw new Error(`${ended}: running ${JSON.stringify(create)}:\n${printed.both}`);
  return { stdout: printed.stdout.replace(/\n$/, ""), stderr: printed.stderr.replace(/\n$/, "") };
}

/** Unwraps every secret in the value. */
function revealed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  if (isRpcSecret(value)) return revealed(unwrapRpcSecret(value));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, revealed(item)]));
}

void main(provider, process.argv.slice(2));
