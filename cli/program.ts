import { createRequire } from "node:module";
import { Command, CommanderError, Option } from "commander";
import { printable } from "../kubernetes/printable";
import type { UpdateCheck } from "../settings/verifyExpectation";
import { cleanup, type CleanupOptions } from "./cleanup";
import { doctor, type DoctorOptions } from "./doctor";
import { exitCodes, UsageError } from "./errors";
import type { Io } from "./io";
import {
  configFileOption,
  durationFlag,
  durationOption,
  sizeFlag,
  withOutput,
  withPodsTimeout,
  withTarget,
  withTargets,
} from "./options";
import { podsTimeout } from "./progress";
import { recreate, type RecreateOptions } from "./recreate";
import type * as Render from "./render";
import { status, type StatusOptions } from "./status";
import { openTarget, type Target, type TargetMakers, type TargetOptions } from "./target";
import { verify, type VerifyOptions } from "./verify";

/** By the package's own name, since this file is compiled to another depth than it has in the clone. */
const { version } = createRequire(__filename)("authentik-outpost-shm/package.json") as { version: string };

/** A command's work, once its flags are read. */
type Work = (target: Target) => Promise<number>;

/**
 * Runs the command line `outpost-shm …`.
 * @param argv without node and script
 * @returns the exit status
 */
export async function run(argv: string[], io: Io, makers: TargetMakers): Promise<number> {
  let code: number = exitCodes.ok;
  const perform = async (options: TargetOptions, work: Work): Promise<void> => {
    const target = await openTarget(options, makers);
    if (target.unpinned) io.err(`${target.unpinned}: this is ${await target.where([])}\n`);
    code = await work(target);
  };
  const program = new Command("outpost-shm")
    .description("Looks after /dev/shm of authentik's proxy outposts on Kubernetes.")
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .exitOverride()
    .helpOption("-h, --help", "show this")
    .version(version, "-V, --version", "show the version")
    .helpCommand(false)
    .addHelpText("after", "\nExit status: 0 ok; 1 a check failed or the work could not be done; 2 wrong use.");
  addRender(program, async (options) => {
    // Pulumi's libraries take a second to load, and no other command needs them. import() would take the file for an ES module.
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const { render } = require("./render") as typeof Render;
    code = await render({ ...options, projectDir: makers.projectDir }, io);
  });
  for (const add of [addStatus, addVerify, addCleanup, addRecreate, addDoctor]) add(program, io, perform);
  try {
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    return failed(error, io);
  }
}

type Perform = (options: TargetOptions, work: Work) => Promise<void>;

/** A command's options as its flags give them: what its arguments give is apart. */
type Flags<Options> = TargetOptions & Omit<Options, "names" | "outpost">;

function failed(error: unknown, io: Io): number {
  // commander has printed its own message. Help and version end in an error too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  io.err(`error: ${printable((error as Error).message)}\n`);
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
}

/** The argument NAME of the commands below. */
const names = ["[names...]", "pods, or outposts by their name or slug; default: all of the namespace"] as const;

function addStatus(program: Command, io: Io, perform: Perform): void {
  const command = program
    .command("status")
    .description("show the state of /dev/shm in every outpost pod, and where it is known from")
    .argument(...names)
    .option("-w, --watch", "look again and again, until Ctrl-C")
    .addOption(durationOption("--interval <duration>", "time between two looks of --watch", ["1s", "1h"], 5));
  withTargets(withOutput(withPodsTimeout(command), ["wide", "json"])).action(
    (names: string[], options: Flags<StatusOptions>) =>
      perform(options, (target) => status(target, { names, ...options }, io)),
  );
}

function addVerify(program: Command, io: Io, perform: Perform): void {
  const solution = new Option(
    "--solution <name>",
    "what is to sweep; default: what the stack says or what is in force",
  );
  const command = program
    .command("verify")
    .description("check that the cure took, against the stack or against what is in force; exits 1 where a check fails")
    .argument("[names...]", "outposts by their name or slug; default: all of the stack, or of the namespace")
    .addOption(durationOption("--wait <duration>", "go on checking for so long while a check fails", ["1s", "1h"], 0))
    .option("--run", "start a run of the CronJob once no rollout is under way, and judge that one")
    .option("--shm-size <size>", "size that /dev/shm is to have; default: the stack's or the Deployment's", sizeFlag)
    .addOption(solution.choices(["sidecar", "cronjob", "both"]));
  withTarget(withOutput(withPodsTimeout(command), ["json"])).action((names: string[], options: Flags<VerifyOptions>) =>
    perform(options, (target) => verify(target, { names, ...options }, io)),
  );
  // Runs at the end of `pulumi up` (verification/verifyAfter.ts).
  program.command("verify-update", { hidden: true }).action(async () => {
    const { expectation, ...options } = JSON.parse(io.input()) as UpdateCheck;
    await perform({ expectation }, (target) => verify(target, { names: [], timeout: podsTimeout, ...options }, io));
  });
}

function addCleanup(program: Command, io: Io, perform: Perform): void {
  const command = program
    .command("cleanup")
    .description("remove sessions now; says how many people that logs out, and asks")
    .argument(...names)
    .option("--older-than <age>", "all sessions older than that, logins too", durationFlag("5s", "8760h"))
    .option("--anonymous", "only visitors who have not logged in; all of them, or those of --older-than")
    .option("--all", "every session but those of the last five seconds")
    .option("--dry-run", "say what would go, remove nothing")
    .option("-y, --yes", "log people out without asking");
  withTargets(withOutput(command, ["json"])).action((names: string[], options: Flags<CleanupOptions>) =>
    perform(options, (target) => cleanup(target, { names, ...options }, io)),
  );
}

function addRecreate(program: Command, io: Io, perform: Perform): void {
  const command = program
    .command("recreate")
    .description("have authentik create an outpost's Deployment anew; its pods' sessions end")
    .argument("<outpost>", "by its name, its slug or its Deployment")
    .option("--dry-run", "say what it would do, change nothing")
    .option("-y, --yes", "do it without asking")
    .option("--accept-outage", "do it without asking authentik whether it would bring the Deployment back")
    .addOption(durationOption("--timeout <duration>", "how long authentik has to bring it back", ["1s", "24h"], 300))
    .option("--manifest <file>", "where its manifest is saved before; default: ./DEPLOYMENT-TIME.json")
    .option("--authentik-namespace <name>", "namespace of authentik itself; default: that of the outpost")
    .option("--up", "end with `pulumi up --refresh --yes` of --stack, which brings the sidecar again");
  withTarget(command).action((outpost: string, options: Flags<RecreateOptions>) =>
    perform(options, (target) => recreate(target, { outpost, ...options }, io)),
  );
}

function addDoctor(program: Command, io: Io, perform: Perform): void {
  const command = program
    .command("doctor")
    .description("find why it does not work, and say the cure; changes nothing, exits 1 where something is found")
    .option("--authentik-namespace <name>", "namespace of authentik itself; default: that of the outposts")
    .addOption(durationOption("--observe <duration>", "watch for so long whether authentik writes", ["1s", "24h"], 0));
  withTargets(withOutput(withPodsTimeout(command), ["json"])).action((options: Flags<DoctorOptions>) =>
    perform(options, (target) => doctor(target, options, io)),
  );
}

function addRender(program: Command, perform: (options: Render.RenderOptions) => Promise<void>): void {
  const collect = (value: string, before: string[]) => [...before, value];
  const format = new Option("--format <form>", "manifests, our parts of the Deployments, or kubernetes_json_patches");
  const syntax = new Option("--syntax <name>", "syntax of the JSON patches");
  program
    .command("render")
    .description("write what `pulumi up` would deploy, for Flux, Argo CD, Terraform or kubectl; needs no cluster")
    .argument("[outposts...]", "by their name in authentik; default: those of the stack")
    .option("-n, --namespace <name>", "namespace of the outposts; default: the stack's")
    .option("--stack <name>", "take the settings from Pulumi.<name>.yaml")
    .option(...configFileOption)
    .option("--set <key=value>", "a setting of docs/settings.md; several times for several", collect, [])
    .option("-o, --output <dir>", "write a kustomize directory; default: print the manifests")
    .option("--check <dir>", "exit 1 and show the difference if that directory is not what -o would write")
    .addOption(format.choices(["manifests", "deployments", "json-patches"]).default("manifests"))
    .addOption(syntax.choices(["yaml", "json", "hcl"]).default("yaml"))
    .action((outposts: string[], options: Render.RenderOptions) => perform({ ...options, outposts }));
}
