// The tools a sandbox is made of, built from the pinned Go modules in toolchain/ once and kept in the cache.
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { cacheDir } from "./paths";
import type { Progress } from "./progress";
import { goBuild, moduleDir, requireGo } from "./toolchain/go";
import { withLock } from "./toolchain/lock";
import { readModule, recipeOf, type GoModule, type Recipe, type Tool } from "./toolchain/modules";
import { pulumiOnPath } from "./toolchain/pulumiOnPath";

export type { Tool } from "./toolchain/modules";

/**
 * Absolute paths of `tools`, each built first where the cache has it not. Safe in several processes at once: a tool appears in the cache
 * whole or not at all. A `pulumi` on PATH that is new enough for the SDK is taken instead of building one.
 *
 * Throws where Go is missing or too old, or a build fails, saying what to do.
 */
export async function ensureTools<T extends Tool>(tools: readonly T[], progress: Progress): Promise<Record<T, string>> {
  const paths: Partial<Record<T, string>> = {};
  for (const tool of tools) paths[tool] = installedTool(tool, progress) ?? (await cachedTool(tool, progress));
  return paths as Record<T, string>;
}

function installedTool(tool: Tool, progress: Progress): string | undefined {
  if (tool !== "pulumi") return undefined;
  const found = pulumiOnPath();
  if (!found) return undefined;
  if (!found.reason) {
    progress.say(`using the pulumi on PATH: ${found.path} (${found.version})`);
    return found.path;
  }
  progress.say(`not using the pulumi on PATH, ${found.path} (${found.version}): ${found.reason}`);
  return undefined;
}

async function cachedTool(tool: Tool, progress: Progress): Promise<string> {
  const recipe = recipeOf(tool);
  const module = readModule(recipe.module);
  const dir = join(cacheDir(), "toolchain", module.key);
  const binary = join(dir, tool);
  if (existsSync(binary)) return binary;

  requireGo(module);
  const step = progress.step(`building ${tool} ${module.versionOf(recipe.versionFrom)}`);
  try {
    const waiting = (pid: number) =>
      progress.say(`process ${pid} is building the ${module.name} tools; waiting for it`);
    await withLock(`${dir}.lock`, () => buildUnlessThere(binary, module, recipe), waiting);
  } catch (error) {
    step.fail();
    throw new Error(`building ${tool} failed: ${(error as Error).message}`, { cause: error });
  }
  step.done();
  return binary;
}

/** The binary is moved to its place last: where it is, all it needs is. */
async function buildUnlessThere(binary: string, module: GoModule, recipe: Recipe): Promise<void> {
  if (existsSync(binary)) return; // whoever held the lock built it
  const unfinished = `${binary}.${process.pid}.unfinished`;
  const log = `${binary}.build.log`;
  try {
    await goBuild(module, [...buildFlags(module, recipe), "-o", unfinished, recipe.package], log);
    copyData(module, recipe, binary);
    renameSync(unfinished, binary);
    rmSync(log);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** Flags that make the same binary on every machine: no paths of it, no symbol tables. */
function buildFlags(module: GoModule, recipe: Recipe): string[] {
  const version = recipe.versionVariable ? `-X ${recipe.versionVariable}=${module.versionOf(recipe.versionFrom)}` : "";
  const tags = recipe.tags ? ["-tags", recipe.tags] : [];
  return ["-trimpath", "-mod=readonly", ...tags, "-ldflags", `-s -w ${version}`];
}

function copyData(module: GoModule, { data }: Recipe, binary: string): void {
  if (!data) return;
  const source = moduleDir(module, data.module);
  const target = join(binary, "..", data.folder);
  mkdirSync(target, { recursive: true });
  for (const file of data.files) {
    const copy = join(target, basename(file));
    rmSync(copy, { force: true });
    copyFileSync(join(source, file), copy);
    chmodSync(copy, 0o644); // the module cache is read-only, and so would be the copy
  }
}
