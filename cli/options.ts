import { type Command, InvalidArgumentError, Option } from "commander";
import { formatDuration, parseDuration } from "../settings/values/duration";
import { parseSize } from "../settings/values/size";
import type { OutputFormat } from "./output";
import { podsTimeout } from "./progress";

/** Flags and arguments of most commands. */
export interface PodsOptions {
  /** Pods or outposts. Empty means all, or all of the stack. */
  names: string[];
  output?: OutputFormat;
  /** Seconds to ask the pods, in each look. */
  timeout: number;
}

/** The flag that names a stack's file, for commands with `--stack`. */
export const configFileOption = [
  "--config-file <file>",
  "the stack's file, if `pulumi` gets it by its own --config-file",
] as const;

/** Adds the flags that select a command's target, named as in kubectl. */
export function withTarget(command: Command): Command {
  return command
    .option("-n, --namespace <name>", "namespace of the outposts; default: the stack's, or that of the context")
    .option("--context <name>", "context of the kubeconfig; default: the stack's, or the current one")
    .option("--cluster <name>", "cluster of the kubeconfig; default: the stack's, or that of the context")
    .option("--kubeconfig <file>", "default: $KUBECONFIG, or ~/.kube/config")
    .option("--stack <name>", "take context, namespace and what is expected from Pulumi.<name>.yaml")
    .option(...configFileOption);
}

/** The same, with that for every namespace. */
export const withTargets = (command: Command): Command =>
  withTarget(command).option("-A, --all-namespaces", "every namespace with outposts, and the stack's");

/** Adds the flag that limits how long pods are asked. */
export function withPodsTimeout(command: Command): Command {
  const text = "how long to ask the pods; those that have not answered by then are named, with what is known";
  return command.addOption(durationOption("--timeout <duration>", text, ["1s", "1h"], podsTimeout));
}

export function withOutput(command: Command, formats: OutputFormat[]): Command {
  return command.addOption(new Option("-o, --output <format>", "how to print it").choices(formats));
}

/** Makes a flag with a duration, in seconds by default too. Its help shows the default as it would be written. */
export function durationOption(flags: string, text: string, range: [string, string], seconds: number): Option {
  return new Option(flags, text).argParser(durationFlag(...range)).default(seconds, formatDuration(seconds));
}

/** Returns a parser of a flag's duration, written as in the settings, into seconds. */
export const durationFlag =
  (shortest: string, longest: string) =>
  (text: string): number =>
    valid(parseDuration(text, shortest, longest));

/** Parses a flag's size by the rules of `shmSize`. */
export const sizeFlag = (text: string): string => valid(parseSize(text));

function valid<T>(parsed: { value: T } | { wrong: string }): T {
  if ("wrong" in parsed) throw new InvalidArgumentError(`It ${parsed.wrong}.`);
  return parsed.value;
}
