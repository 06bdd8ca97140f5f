import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { cleanerScripts } from "../../cleaner/scripts";
import { findExecutable } from "../processes";

/** A shell for the scripts, and the tools on its PATH. */
export interface Shell {
  readonly name: string;
  /** Command to put in front of `-c TEXT`. */
  readonly command: readonly string[];
  readonly path: string;
}

/** Returns the absolute path of a program on PATH, since shells of the tests may have another PATH. */
export function programPath(name: string): string {
  return findExecutable(name) ?? assert.fail(`${name} is not on PATH`);
}

/** Makes a shell of busybox, with only its own applets on PATH. */
function busyboxShell(binary: string): Shell {
  const applets = mkdtempSync(join(tmpdir(), "busybox-"));
  chmodSync(applets, 0o755);
  process.on("exit", () => rmSync(applets, { recursive: true, force: true }));
  const { stdout, status } = spawnSync(binary, ["--list"], { encoding: "utf8" });
  if (status !== 0) throw new Error(`CLEANER_BUSYBOX: ${binary} is not a busybox that runs here`);
  for (const applet of stdout.trim().split("\n")) symlinkSync(binary, join(applets, applet));
  const version = /v[\d.]+/.exec(spawnSync(binary, [], { encoding: "utf8" }).stdout)?.[0] ?? "of unknown version";
  return { name: `busybox ${version}`, command: [binary, "sh"], path: applets };
}

function allShells(): Shell[] {
  const dash = findExecutable("dash");
  const gnu: Shell = {
    name: `${dash ? "dash" : "sh"} and this machine's tools`,
    command: [dash ?? "sh"],
    path: process.env.PATH ?? "",
  };
  const named = process.env.CLEANER_BUSYBOX;
  const binary = named ? resolve(named) : findExecutable("busybox");
  return binary ? [gnu, busyboxShell(binary)] : [gnu];
}

/** dash and the machine's tools, always; also a busybox if one is on PATH or named by CLEANER_BUSYBOX. */
export const shells: readonly Shell[] = allShells();
/** Suffix of the suites' titles. Without a busybox fewer tests run, which must not look as if they had passed. */
export const coverage =
  shells.length > 1 ? "" : " (no busybox here: name one by CLEANER_BUSYBOX, or let .ci/run install it)";

const { sweep, cronjob, files } = cleanerScripts();
/** A sweep as it is run by exec: one text. */
export const sweepText = sweep;
export const cronjobText = cronjob;
/** The loop of the sidecar. */
export const sidecarText = files["sidecar.sh"] ?? "";

/** Replaces one piece of a text, which must occur exactly once. */
export function changed(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`${JSON.stringify(from)} is not in the text exactly once`);
  return text.replace(from, () => to);
}

export interface Result {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Prefix of the command that runs it as another user. */
  as?: readonly string[];
}

/** Runs a script's text as a pod does: `sh -c TEXT name ARGUMENTS`. */
export async function run(shell: Shell, text: string, options: RunOptions = {}): Promise<Result> {
  const { args = [], env, cwd = "/", as = [] } = options;
  const [command = "", ...rest] = [...as, ...shell.command, "-c", text, "sweep", ...args];
  const child = spawn(command, rest, {
    cwd,
    env: { PATH: shell.path, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  const [stdout, stderr, [status]] = await Promise.all([textOf(child.stdout), textOf(child.stderr), closed]);
  return { status, stdout, stderr };
}

/** Parses a `key=value` line. Values may be in double quotes. */
export function fields(line: string): Record<string, string> {
  return Object.fromEntries(
    [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S*))/g)].map(([, key = "", quoted, plain]) => [key, quoted ?? plain ?? ""]),
  );
}

/** Returns the report of a sweep that has to succeed without complaints. */
export function report({ status, stdout, stderr }: Result): Record<string, string> {
  if (status !== 0 || stderr !== "") throw new Error(`exit status ${status}\n${stdout}${stderr}`);
  const line = stdout.split("\n").find((text) => text.includes(" event=sweep "));
  return fields(line ?? "");
}
