// The Go command, and what a failed build says.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { cacheDir } from "../paths";
import { findExecutable, ProcessDied, run } from "../processes";
import { quoted } from "../script";

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
 * Runs `go build ARGS` in the module in `dir`. The error quotes the end of `logFile`, where a Go that is too old says so, and
 * the command to run again by hand.
 */
export async function goBuild(dir: string, args: readonly string[], logFile: string): Promise<void> {
  if (!findExecutable("go")) {
    throw new Error(
      `no \`go\` on PATH: this takes the version in ${join(dir, "go.mod")} or later (https://go.dev/dl/)`,
    );
  }
  const all = ["build", "-C", dir, ...args];
  try {
    await run({ name: "go build", command: "go", args: all, cwd: dir, env: GO_ENVIRONMENT, logFile });
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
  const env = { ...process.env, ...GO_ENVIRONMENT };
  const result = spawnSync("go", args, { cwd: dir, env, encoding: "utf8" });
  if (result.status === 0) return (JSON.parse(result.stdout) as { Dir: string }).Dir;
  throw new Error(`${commandLine(args)} failed:\n${result.stderr}`);
}

/** Formats the command for the user's shell. It includes GOFLAGS and GOWORK, since the user's own may break the build. */
function commandLine(args: readonly string[]): string {
  return `CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly go ${args.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : quoted(word))).join(" ")}`;
}
