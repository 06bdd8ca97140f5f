// The Go command: checks that it is there and new enough, and explains a failed build.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheDir } from "../paths";
import { ProcessDied, run } from "../processes";
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
 * Throws unless the Go on PATH can build the modules in `dirs`. It is asked in the module that needs the newest: there, from
 * Go 1.21 on, the command fetches that toolchain by itself if GOTOOLCHAIN lets it.
 */
export function requireGo(dirs: readonly string[]): void {
  const goLine = (dir: string) => /^go (\S+)$/m.exec(readFileSync(join(dir, "go.mod"), "utf8"))?.[1] ?? "";
  const [newest] = dirs.map((dir) => ({ dir, needed: goLine(dir) })).sort((a, b) => compare(b.needed, a.needed));
  if (!newest) return;
  const { error, status, stdout, stderr } = go(["version"], newest.dir);
  const found = /\bgo(\d[\w.]*)/.exec(stdout)?.[1]; // none in some development versions: go decides
  let problem: string;
  if (error) problem = "no `go` is on PATH";
  else if (status !== 0) problem = `\`go version\` failed:\n${stderr}`;
  else if (found && compare(found, newest.needed) < 0) problem = `\`go\` on PATH is ${found}`;
  else return;
  throw new Error(`building the tools takes Go ${newest.needed} or later (https://go.dev/dl/), but ${problem}`);
}

/** Compares versions as Go prints them. A pre-release counts as its release. */
const { compare } = new Intl.Collator("en", { numeric: true });

/** Runs `go build ARGS` in the module in `dir`. The error quotes the end of `logFile`, and the command to run again by hand. */
export async function goBuild(dir: string, args: readonly string[], logFile: string): Promise<void> {
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
  const result = go(args, dir);
  if (result.status === 0) return (JSON.parse(result.stdout) as { Dir: string }).Dir;
  throw new Error(`${commandLine(args)} failed:\n${result.stderr}`);
}

function go(args: readonly string[], cwd: string) {
  return spawnSync("go", args, { cwd, env: { ...process.env, ...GO_ENVIRONMENT }, encoding: "utf8" });
}

/** Formats the command for the user's shell. It includes GOFLAGS and GOWORK, since the user's own may break the build. */
function commandLine(args: readonly string[]): string {
  return `CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly go ${args.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : quoted(word))).join(" ")}`;
}
