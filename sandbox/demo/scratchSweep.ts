// Runs a sidecar's command on a folder of this machine until its first sweep is done. It is the very command of a Deployment and
// the very scripts of its ConfigMap, with their paths moved into a scratch folder.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { V1Container } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { settingsFile } from "../../cleaner/names";
import { goName, goSession, rustName, rustSession } from "../sessionFormats";

/** One kind of file in the scratch folder, and what the sweep should do with it. */
export interface Row {
  what: string;
  before: number;
  after: number;
  /** Number of files that should be left. */
  expected: number;
}

const minute = 60_000;
const hour = 60 * minute;
/** Longest wait for the first sweep, in milliseconds. */
const sweepTimeoutMs = 30_000;

/** A kind of session file. Age is the time since it was last saved, in milliseconds; `name` gives the nth file's name. */
type Kind = [
  what: string,
  count: number,
  kept: boolean,
  age: number,
  file: { content: string; name: (n: number) => string },
];

const secondsFromNow = (ms: number): number => Math.floor((Date.now() + ms) / 1000);
const visitor = { content: goSession({ holds: ["redirect"] }), name: goName };
const login = { content: goSession({ holds: ["claims"] }), name: goName };
const rust = (isLogin: boolean, endsIn: number) => ({
  content: rustSession({ login: isLogin, expires: secondsFromNow(endsIn) }),
  name: rustName,
});

const kinds: Kind[] = [
  ["visitors of the last minutes", 40, true, 5 * minute, visitor],
  ["visitors of yesterday and before", 400, false, 25 * hour, visitor],
  ["visitors of yesterday, Rust outpost", 100, false, 25 * hour, rust(false, hour)],
  ["logins of two hours ago", 25, true, 2 * hour, login],
  ["logins of two hours ago, Rust outpost", 10, true, 2 * hour, rust(true, hour)],
  ["logins of yesterday and before", 15, false, 25 * hour, login],
  ["logins of yesterday that live on, Rust outpost", 5, true, 25 * hour, rust(true, hour)],
  ["logins past their own end, Rust outpost", 5, false, 10 * minute, rust(true, -minute)],
  ["empty files of a full /dev/shm", 60, false, hour, { content: "", name: goName }],
  ["authentik's lock", 1, true, 48 * hour, { content: "", name: () => "session-cleanup.lock" }],
];

/** Fills a scratch folder under `parent`, runs the container's command on it for one sweep, and counts the files. */
export async function sweepScratch(
  parent: string,
  sidecar: V1Container,
  { settings, scripts }: Record<"settings" | "scripts", Record<string, string>>,
): Promise<{ rows: Row[]; log: string }> {
  mkdirSync(parent, { recursive: true });
  const scratch = mkdtempSync(join(parent, "scratch-"));
  try {
    const folder = (name: string) => mkdtempSync(join(scratch, `${name}-`));
    const [shm, metrics, mounted] = [folder("shm"), folder("metrics"), folder("mounted")];
    for (const [name, text] of Object.entries({ ...settings, ...scripts })) writeFileSync(join(mounted, name), text);
    const files = fill(shm);
    const log = await runUntilFirstSweep(sidecar, {
      SHM_DIR: shm,
      METRICS_DIR: metrics,
      METRICS_PORT: "127.0.0.1:0",
      SETTINGS_FILE: join(mounted, settingsFile),
      SCRIPTS_DIR: mounted,
    });
    const left = new Set(readdirSync(shm));
    return { rows: files.map(({ kind, names }) => row(kind, names, left)), log };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function fill(directory: string): { kind: Kind; names: string[] }[] {
  let n = 0;
  return kinds.map((kind) => {
    const [, count, , age, { content, name }] = kind;
    const savedAt = new Date(Date.now() - age);
    const names = Array.from({ length: count }, () => name(++n));
    for (const path of names.map((file) => join(directory, file))) {
      writeFileSync(path, content, { mode: 0o600 });
      utimesSync(path, savedAt, savedAt);
    }
    return { kind, names };
  });
}

function row([what, count, kept]: Kind, names: string[], left: Set<string>): Row {
  return { what, before: count, after: names.filter((name) => left.has(name)).length, expected: kept ? count : 0 };
}

/** Runs the container's command in its own environment, with the given variables on top, and ends it after one sweep. */
async function runUntilFirstSweep(sidecar: V1Container, environment: Record<string, string>): Promise<string> {
  const [command, ...args] = sidecar.command ?? [];
  const declared = Object.fromEntries((sidecar.env ?? []).map(({ name, value }) => [name, value ?? ""]));
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...declared, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  const timer = setTimeout(() => child.kill("SIGKILL"), sweepTimeoutMs);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      if (/event=sweep /.test(log)) child.kill("SIGTERM");
    });
  }
  await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  clearTimeout(timer);
  return log;
}
