/**
 * Stands in for `pulumi-language-nodejs`, the language host in the releases of the Pulumi CLI. It is no Go module of its own,
 * so a CLI built from source lacks it. The CLI starts this stand-in, which runs a program as the real one does: by `cmd/run`
 * of the program's own SDK, with the same arguments and environment, and with the exit status reported in the same way. Unlike
 * the real one it names no plugins to download, and hands the program the engine's own monitor, not a proxy of it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { version } from "@pulumi/pulumi/package.json";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb";
import {
  AboutResponse,
  GetRequiredPackagesResponse,
  RunPluginResponse,
  RunResponse,
} from "@pulumi/pulumi/proto/language_pb";
import type { ProgramInfo, RunPluginRequest, RunRequest } from "@pulumi/pulumi/proto/language_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";

/** Exit status of `cmd/run` after it has shown the error to the user itself. */
const ERROR_ALREADY_TOLD = 32;

// The engine's address is the last argument.
void serve(process.argv.at(-1)!);

/** Serves the engine. The CLI reads the port from the first line of stdout, and shows the user whatever follows. */
async function serve(engine: string): Promise<void> {
  const server = new grpc.Server();
  server.addService(LanguageRuntimeService, {
    getPluginInfo: unary(() => new PluginInfo().setVersion(version)),
    getRequiredPackages: unary(() => new GetRequiredPackagesResponse()),
    about: unary(() => new AboutResponse().setExecutable(process.execPath).setVersion(process.version)),
    run: unary((request: RunRequest) => run(request, engine)),
    runPlugin,
    cancel: unary(() => new Empty()),
  });
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  console.log(port);
}

function unary<Request, Response>(
  handler: (request: Request) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return ({ request }, callback) => {
    Promise.resolve(request)
      .then(handler)
      .then(
        (response) => callback(null, response),
        (error: Error) => callback({ code: grpc.status.UNKNOWN, details: error.message }),
      );
  };
}

async function run(request: RunRequest, engine: string): Promise<RunResponse> {
  const info = request.getInfo()!;
  const child = spawn("node", [sdkRunner("run", info), ...runnerArguments(request, info, engine)], {
    env: { ...process.env, ...runnerEnvironment(request) },
    stdio: "inherit",
  });
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  if (code === ERROR_ALREADY_TOLD) return new RunResponse().setBail(true);
  const error = code === 0 ? "" : `Program exited with non-zero exit code: ${code ?? signal}`;
  return new RunResponse().setError(error);
}

/** Runs a component package (PulumiPlugin.yaml), and streams its output until the engine cancels the call. */
function runPlugin(call: grpc.ServerWritableStream<RunPluginRequest, RunPluginResponse>): void {
  const info = call.request.getInfo()!;
  const args = [sdkRunner("run-plugin", info), info.getProgramDirectory(), ...call.request.getArgsList()];
  const pairs = call.request.getEnvList().map((pair) => pair.split(/=(.*)/s, 2) as [string, string]);
  const child = spawn("node", args, {
    cwd: call.request.getPwd(),
    env: Object.fromEntries(pairs),
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.on("data", (text: Buffer) => call.write(new RunPluginResponse().setStdout(text)));
  child.stderr.on("data", (text: Buffer) => call.write(new RunPluginResponse().setStderr(text)));
  child.on("close", (code) => call.end(new RunPluginResponse().setExitcode(code ?? 1)));
  call.on("cancelled", () => child.kill());
}

/** Finds a runner in the SDK that the program itself would import. */
function sdkRunner(runner: "run" | "run-plugin", info: ProgramInfo): string {
  return createRequire(join(info.getProgramDirectory(), "index.js")).resolve(`@pulumi/pulumi/cmd/${runner}`);
}

/** Leaves out empty arguments. The dry-run flag has no value. */
function runnerArguments(request: RunRequest, info: ProgramInfo, engine: string): string[] {
  const values = {
    monitor: request.getMonitorAddress(),
    engine,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": info.getRootDirectory(),
    stack: request.getStack(),
    pwd: info.getProgramDirectory(),
    parallel: String(request.getParallel()),
  };
  const given = Object.entries(values).filter(([, value]) => value !== "");
  return [
    ...given.flatMap(([name, value]) => [`--${name}`, value]),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    info.getEntryPoint(),
    ...request.getArgsList(),
  ];
}

/** Passes config keys in the old form `namespace:config:name`, as the real host does, but those of secrets unchanged. */
function runnerEnvironment(request: RunRequest): Record<string, string> {
  const config = request.getConfigMap().toArray();
  const legacyKey = (key: string) => key.replace(/^([^:]+):(?:config:)?/, "$1:config:");
  return {
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(config.map(([key, value]) => [legacyKey(key), value]))),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    PULUMI_NODEJS_TYPESCRIPT: "true",
  };
}
