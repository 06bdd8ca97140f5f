// The Go command: checks that it is there and new enough, and explains a failed build.
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { cacheDir } from "../paths";
import { ProcessDied, run } from "../processes";
import { quoted } from "../script";
import type { GoModule } from "./modules";
import { compareVersions, parseVersion, type Version } from "./versions";

/**
 * Variables that our builds add to the user's environment. The user's proxies and module cache apply, but nothing that would
 * build something else (flags, workspaces, another target). No value is empty, since Go treats that as unset and falls back on
 * the file of `go env -w`.
 */
const GO_ENVIRONMENT = {
  CGO_ENABLED: "0",
  GO111MODULE: "on",
  GOFLAGS: "-mod=readonly",
  GOWORK: "off",
  GOOS: process.platform === "win32" ? "windows" : process.platform,
  GOARCH: process.arch === "x64" ? "amd64" : process.arch,
};

/**
 * Throws unless a Go that can build `module` is on PATH. Since Go 1.21 the command fetches a newer toolchain by itself if
 * GOTOOLCHAIN lets it.
 */
export function requireGo(module: Pick<GoModule, "name" | "goVersion">): void {
  // Runs outside any module. Inside one, `go env` would fail over a go line that is too new, or fetch a toolchain.
  const result = go(["env", "GOVERSION", "GOTOOLCHAIN"], tmpdir());
  if (result.error) {
    throw new Error(
      `no \`go\` on PATH: building the ${module.name} tools takes Go ${module.goVersion} or later (https://go.dev/dl/)`,
    );
  }
  if (result.status !== 0) throw new Error(`\`go env\` failed:\n${result.stderr}`);
  const [version = "", toolchain = ""] = result.stdout.split("\n");
  requireGoVersion(module, version, toolchain);
}

function requireGoVersion(module: Pick<GoModule, "name" | "goVersion">, version: string, toolchain: string): void {
  const installed = parseVersion(version);
  const needed = parseVersion(module.goVersion);
  if (!installed || !needed || compareVersions(installed, needed) >= 0) return; // a development version: go decides
  if (mayFetchToolchain(installed, toolchain)) return;
  const why = toolchain ? `GOTOOLCHAIN=${toolchain} forbids fetching another` : "it cannot fetch another by itself";
  throw new Error(
    `building the ${module.name} tools takes Go ${module.goVersion} or later, but \`go\` on PATH is ` +
      `${version.replace(/^go/, "")} and ${why}: install a newer Go (https://go.dev/dl/)`,
  );
}

function mayFetchToolchain(installed: Version, toolchain: string): boolean {
  return compareVersions(installed, [1, 21, 0]) >= 0 && /^(.*\+)?(auto|path)$/.test(toolchain);
}

/** Runs `go build ARGS` in `module`. The error quotes the end of `logFile`, and the command to run again by hand. */
export async function goBuild(module: Pick<GoModule, "dir">, args: readonly string[], logFile: string): Promise<void> {
  const all = ["build", "-C", module.dir, ...args];
  try {
    await run({ name: "go build", command: "go", args: all, cwd: module.dir, env: GO_ENVIRONMENT, logFile });
  } catch (error) {
    if (!(error instanceof ProcessDied)) throw error;
    const hint = /no space left on device/.test(error.log) ? `\n${diskFull()}` : "";
    throw new Error(`${error.message}${hint}\nTo run it again:\n  ${commandLine(all)}`, { cause: error });
  }
}

const diskFull = (): string =>
  "The disk is full. Free about 6 GB where Go's build cache (`go env GOCACHE`) and " +
  `${cacheDir()} are, or name others by GOCACHE and AUTHENTIK_OUTPOST_SHM_CACHE.`;

/** Returns the folder of the module `path` in Go's module cache, at the version that the module in `dir` pins. Fetches it if need be. */
export function moduleDir(dir: string, path: string): string {
  const args = ["mod", "download", "-C", dir, "-json", path];
  const result = go(args, dir);
  if (result.status === 0) return (JSON.parse(result.stdout) as { Dir: string }).Dir;
  throw new Error(`${commandLine(args)} failed:\n${result.stderr}`);
}

/** Runs a command that Go answers at once. */
function go(args: readonly string[], cwd: string) {
  return spawnSync("go", args, { cwd, env: { ...process.env, ...GO_ENVIRONMENT }, encoding: "utf8" });
}

/** Formats the command for the user's shell. It includes GOFLAGS and GOWORK, since the user's own may break the build. */
function commandLine(args: readonly string[]): string {
  return `CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly go ${args.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : quoted(word))).join(" ")}`;
}
