import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parse } from "yaml";
import type { Raw } from "../settings/readFields";
import { SettingsError } from "../settings/settingsError";
import { resolveSettings } from "../settings/resolve";
import type { Settings } from "../settings/types";
import { readStackFile } from "../settings/stackFile";
import { applyFlags, deploymentsFolder, directory, mark, stream } from "../render/directory";
import { jsonPatches, patchedByAuthentik, type Syntax } from "../render/jsonPatches";
import { manifests } from "../render/manifests";
import { exitCodes, UsageError } from "./errors";
import { projectDir as clone, type Io } from "./io";
import { refuseConflict, refuseFileOfNone, type TargetMakers, type TargetOptions } from "./target";

/** Forms of the output: the objects of our own, our parts of the Deployments, or those parts for authentik's config. */
type Format = "manifests" | "deployments" | "json-patches";

type FromTarget = Pick<TargetOptions, "namespace" | "stack" | "configFile"> & Pick<TargetMakers, "projectDir">;

export interface RenderOptions extends FromTarget {
  /** Names of the outposts in authentik. */
  outposts: string[];
  /** Settings, as `key=value`. */
  set: string[];
  /** Folder to write. */
  output?: string;
  /** Folder to compare. */
  check?: string;
  format: Format;
  syntax: Syntax;
}

/** Names what is rendered without a stack. */
const noStack = "render";

/** Writes what `pulumi up` would deploy, for those who deploy by other means. It needs neither Pulumi nor a cluster. */
export async function render(options: RenderOptions, io: Io): Promise<number> {
  const dir = folderOf(options);
  const settings = settingsOf(options);
  const stack = options.stack?.split("/").at(-1) ?? noStack;
  if (options.format === "json-patches") {
    const outposts = patchedByAuthentik(settings.outposts);
    if (outposts.length === 0)
      throw new UsageError("no outpost has a sidecar and `delivery: authentik`: add --set delivery=authentik");
    io.out(jsonPatches(outposts, options.syntax));
    return exitCodes.ok;
  }
  const objects = await manifests(settings, stack);
  if (dir === undefined) {
    io.out(stream(objects.filter(({ kind }) => (kind === "Deployment") === (options.format === "deployments"))));
    return exitCodes.ok;
  }
  const files = directory(objects, stack);
  return options.check === undefined ? write(dir, files, stack, io) : check(dir, files, io);
}

type Files = Record<string, string>;

/**
 * Writes the files, and removes those that an earlier run wrote and that are none any more.
 * @throws UsageError if it would replace a file of somebody else, or remove our part of a Deployment; nothing is changed then
 */
function write(dir: string, files: Files, stack: string, io: Io): number {
  const { missing, changed, extra } = differenceOf(dir, files);
  const foreign = changed.filter((path) => !textOf(dir, path).startsWith(mark));
  if (foreign.length > 0)
    throw new UsageError(
      `${dir}: ${foreign.join(", ")}: not written by \`outpost-shm render\`, so nothing was changed; name another folder`,
    );
  // No tool that applies these files prunes a Deployment, so without its file the sidecar would stay for good.
  const parts = extra.filter((path) => path.startsWith(`${deploymentsFolder}/`) && /^spec:/m.test(textOf(dir, path)));
  if (parts.length > 0)
    throw new UsageError(
      `${dir}: ${parts.map((path) => `Deployment ${basename(path, ".yaml")}`).join(", ")}: only its file gives back what was applied, ` +
        "so nothing was changed; render its outpost once more with `solution: none`, apply that, then leave it out (docs/gitops.md), " +
        "or delete a file that was never applied or whose Deployment is gone",
    );
  const outdated = [...missing, ...changed];
  for (const path of outdated) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), files[path]);
  }
  io.out(`${dir}: ${Object.keys(files).length} files, ${outdated.length} of them written\n`);
  for (const path of extra) {
    rmSync(join(dir, path));
    io.out(`${dir}/${path}: removed, an earlier run wrote it\n`);
  }
  const apply = `kubectl apply ${applyFlags(stack)} -k ${dir}`;
  // kubectl fails on a folder without an object, which solution none leaves.
  const isEmpty = Object.keys(files).every((path) => path === "kustomization.yaml" || path.includes("/"));
  const first = isEmpty ? "" : `${apply} && sleep 5 && `;
  io.out(`Apply it with (docs/gitops.md): ${first}${apply}/${deploymentsFolder}\n`);
  return exitCodes.ok;
}

function check(dir: string, files: Files, io: Io): number {
  const { missing, changed, extra } = differenceOf(dir, files);
  for (const path of missing) io.out(`${dir}/${path}: missing\n`);
  for (const path of extra) io.out(`${dir}/${path}: extra, an earlier run wrote it\n`);
  for (const path of changed) io.out(`${dir}/${path}: changed\n${shownChange(dir, path, files[path])}`);
  const count = missing.length + changed.length + extra.length;
  if (count === 0) io.out(`${dir} is what these settings render.\n`);
  return count === 0 ? exitCodes.ok : exitCodes.failed;
}

/**
 * Compares a folder with the files that it should have, by path. Extra are those that an earlier run wrote, while files of others
 * are no difference.
 */
function differenceOf(dir: string, files: Files): Record<"missing" | "changed" | "extra", string[]> {
  const paths = Object.keys(files);
  const there = (path: string) => existsSync(join(dir, path));
  return {
    missing: paths.filter((path) => !there(path)),
    changed: paths.filter((path) => there(path) && textOf(dir, path) !== files[path]),
    extra: ["", deploymentsFolder]
      .filter(there)
      .flatMap((folder) => readdirSync(join(dir, folder)).map((name) => (folder ? `${folder}/${name}` : name)))
      .filter((path) => path.endsWith(".yaml") && !(path in files) && textOf(dir, path).startsWith(mark))
      .sort(),
  };
}

/** Shows the lines from the first that differs to the last. */
function shownChange(dir: string, path: string, wanted: string): string {
  const [old, now] = [textOf(dir, path), wanted].map((text) => text.split("\n"));
  const first = old.findIndex((line, index) => line !== now[index]);
  const start = first < 0 ? old.length : first;
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - start && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const part = (sign: string, lines: string[]) =>
    lines.slice(start, lines.length - tail).map((line) => `${sign}${line}\n`);
  return [`@@ line ${start + 1} @@\n`, ...part("-", old), ...part("+", now)].join("");
}

const textOf = (dir: string, path: string): string => readFileSync(join(dir, path), "utf8");

function folderOf({ output, check, format }: RenderOptions): string | undefined {
  if (output !== undefined && check !== undefined) throw new UsageError("give either --output or --check");
  const dir = output ?? check;
  if (dir !== undefined && format !== "manifests")
    throw new UsageError(`--format ${format} goes to stdout: leave out --${output === undefined ? "check" : "output"}`);
  return dir?.replace(/(.)\/+$/, "$1");
}

/** Reads the settings of stack and flags. Those that make no sense are wrong use. */
function settingsOf(options: RenderOptions): Settings {
  const { outposts, namespace, stack, configFile, set, projectDir } = options;
  refuseFileOfNone(options);
  const given = Object.fromEntries(set.map(setting));
  if (outposts.length > 0 && (stack !== undefined || "outposts" in given))
    throw new UsageError("the outposts are given twice: by name, and by --stack or --set outposts");
  const flags = { ...given, ...(outposts.length > 0 && { outposts }) };
  const rules = { authentikAccess: false };
  try {
    if (stack === undefined)
      return resolveSettings({ ...flags, ...(namespace !== undefined && { namespace }) }, undefined, rules);
    const { settings } = readStackFile(projectDir ?? clone, stack, { configFile, overrides: flags, rules });
    refuseConflict("--namespace", namespace, settings.namespace, stack);
    return settings;
  } catch (error) {
    const { message } = error as Error;
    const how = "\nHere settings are given by --set KEY=VALUE, or by the file of --stack.";
    throw new UsageError(error instanceof SettingsError ? `${message}${how}` : message, { cause: error });
  }
}

/** Parses `key=value`. A list or an object is written as YAML. */
function setting(text: string): [string, Raw[string]] {
  const [, key, value] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined) throw new UsageError(`--set "${text}": write it as key=value, with a key of docs/settings.md`);
  if (!/^\s*[[{]/.test(value)) return [key, value];
  try {
    return [key, parse(value)];
  } catch {
    throw new UsageError(
      `--set ${key}: its list or object is no valid YAML, e.g. 'outposts=[{name: My Outpost, shmSize: 1Gi}]'`,
    );
  }
}
