// The tools of a sandbox, built once from the pinned Go modules in toolchain/ and kept in the cache.
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { cacheDir } from "./paths";
import { isRunning } from "./processes";
import type { Progress } from "./progress";
import { goBuild, moduleDir, requireGo } from "./toolchain/go";
import { moduleOf, readModule, RECIPES, type GoModule, type Recipe, type Tool } from "./toolchain/modules";

export type { Tool } from "./toolchain/modules";

/** The tools of one module that have to be built. */
interface Build {
  module: GoModule;
  recipe: Recipe;
  tools: Tool[];
}

/** Number of modules that are built at a time: linking, and a few huge packages, keep only one core busy. */
const BUILDS_AT_A_TIME = 2;

/**
 * Builds those of `tools` that the cache lacks, and returns the paths of all. A tool appears in the cache whole or not at all.
 * If two processes build one at the same time, the first to end wins.
 *
 * Throws if Go is missing or too old, or if a build fails. The error says what to do.
 */
export async function ensureTools<T extends Tool>(tools: readonly T[], progress: Progress): Promise<Record<T, string>> {
  const builds = missing(tools);
  requireGo(builds.map(({ module }) => module.dir));
  const minutes = builds.reduce((sum, { recipe }) => sum + recipe.minutes, 0);
  if (minutes >= 1)
    progress.say(
      `Building ${counted(builds)} once, ${Math.ceil(minutes)} to ${Math.ceil(2 * minutes)} minutes on two cores.`,
    );
  await inTurn(builds, (build) => perform(build, progress));
  return Object.fromEntries(tools.map((tool) => [tool, pathOf(tool)])) as Record<T, string>;
}

const pathOf = (tool: Tool, module = readModule(moduleOf(tool))): string =>
  join(cacheDir(), "toolchain", module.key, tool);

/** Lists what has to be built, the longest build first. */
function missing(tools: readonly Tool[]): Build[] {
  const names = [...new Set(tools.map(moduleOf))];
  const builds = names.map((name) => {
    const module = readModule(name);
    const wanted = tools.filter((tool) => moduleOf(tool) === name && !existsSync(pathOf(tool, module)));
    return { module, recipe: RECIPES[name], tools: [...new Set(wanted)] };
  });
  return builds.filter(({ tools }) => tools.length > 0).sort((a, b) => b.recipe.minutes - a.recipe.minutes);
}

const counted = (builds: Build[]): string => {
  const tools = builds.flatMap(({ tools }) => tools);
  return tools.length === 1 ? tools[0] : `${tools.length} tools from their sources`;
};

async function inTurn(builds: Build[], build: (build: Build) => Promise<void>): Promise<void> {
  const waiting = [...builds];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      await build(next).catch((error: unknown) => {
        waiting.length = 0;
        throw error;
      });
  };
  const lanes = Array.from({ length: BUILDS_AT_A_TIME }, lane);
  // After a failed build no other begins, but the other lane ends its own, so that nothing is left running.
  const failed = (await Promise.allSettled(lanes)).find((lane) => lane.status === "rejected");
  if (failed) throw failed.reason;
}

async function perform(build: Build, progress: Progress): Promise<void> {
  const { module, recipe, tools } = build;
  const step = progress.step(`building ${tools.join(", ")} ${module.versionOf(recipe.versionFrom)}`);
  try {
    await compile(build);
  } catch (error) {
    step.fail((error as Error).message); // at once, since the error waits for the other lane's build
    throw new Error(`building ${tools.join(", ")} failed: ${(error as Error).message}`, { cause: error });
  }
  step.done();
}

/** Moves each binary into place last, so that everything it needs is there before it. */
async function compile({ module, recipe, tools }: Build): Promise<void> {
  const dir = join(cacheDir(), "toolchain", module.key);
  mkdirSync(dir, { recursive: true });
  removeLeftovers(dir);
  const unfinished = mkdtempSync(join(dir, `unfinished-${process.pid}-`));
  const log = join(dir, "build.log");
  const packages = tools.map((tool) => recipe.tools[tool]);
  try {
    await goBuild(module.dir, [...buildFlags(module, recipe), "-o", `${unfinished}/`, ...packages], log);
    copyData(module, recipe, dir);
    for (const tool of tools) renameSync(join(unfinished, executableOf(recipe.tools[tool])), join(dir, tool));
    rmSync(log, { force: true });
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Removes what killed builds have left. */
function removeLeftovers(dir: string): void {
  for (const name of readdirSync(dir)) {
    const pid = /^unfinished-(\d+)-/.exec(name)?.[1];
    if (pid && !isRunning(Number(pid))) rmSync(join(dir, name), { recursive: true, force: true });
  }
}

/** Names an executable as Go does, after the last element of its package's path that is no version. */
const executableOf = (goPackage: string): string => basename(goPackage.replace(/\/v\d+$/, ""));

/** Returns flags that make the same binary on every machine: without its paths, and without debug information. */
function buildFlags(module: GoModule, { compilerFlags = "", tags, version, versionFrom }: Recipe): string[] {
  const variable = version ? ` -X ${version.variable}=${version.value ?? module.versionOf(versionFrom)}` : "";
  return [
    "-trimpath",
    ...(tags ? ["-tags", tags] : []),
    `-gcflags=all=${`${compilerFlags} -dwarf=false`.trim()}`,
    `-ldflags=-s -w${variable}`,
  ];
}

function copyData(module: GoModule, { data }: Recipe, dir: string): void {
  if (!data) return;
  const source = moduleDir(module.dir, data.module);
  const target = join(dir, data.folder);
  mkdirSync(target, { recursive: true });
  for (const file of data.files) {
    const copy = join(target, basename(file));
    rmSync(copy, { force: true });
    copyFileSync(join(source, file), copy);
    chmodSync(copy, 0o644); // the module cache is read-only, and the copy would be, too
  }
}
