// Runs a sidecar's command on a folder of this machine until its first sweep is done. It is the very command of a Deployment and
// the very scripts of its ConfigMap, with their paths moved into a scratch folder.
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { V1Container } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { settingsFile } from "../../cleaner/names";
import { LoggedProcess, until } from "../cleaner/sidecarProcess";
import { goName, goSession, rustName, rustSession } from "../sessionFormats";

const minute = 60_000;
const hour = 60 * minute;

/** A kind of session file. */
interface Kind {
  what: string;
  count: number;
  /** Number of files that the sweep should leave. */
  expected: number;
  /** Milliseconds since it was last saved. */
  age: number;
  content: string;
  /** Gives the nth file's name. */
  name: (n: number) => string;
}

/** A kind, and the number of its files that are left. */
export type Row = Pick<Kind, "what" | "count" | "expected"> & { left: number };

const visitor = { content: goSession({ holds: ["redirect"] }), name: goName };
const login = { content: goSession({ holds: ["claims"] }), name: goName };
const rustLogin = (endsIn: number) => ({
  content: rustSession({ login: true, expires: Math.floor((Date.now() + endsIn) / 1000) }),
  name: rustName,
});
const lock = { content: "", name: () => "session-cleanup.lock" };

const kinds: Kind[] = [
  { what: "visitors of the last minutes", count: 40, expected: 40, age: 5 * minute, ...visitor },
  { what: "visitors of yesterday and before", count: 400, expected: 0, age: 25 * hour, ...visitor },
  { what: "logins of two hours ago", count: 25, expected: 25, age: 2 * hour, ...login },
  { what: "logins of yesterday and before", count: 15, expected: 0, age: 25 * hour, ...login },
  { what: "logins that live on, Rust outpost", count: 5, expected: 5, age: 25 * hour, ...rustLogin(hour) },
  { what: "logins past their end, Rust outpost", count: 5, expected: 0, age: 10 * minute, ...rustLogin(-minute) },
  { what: "empty files of a full /dev/shm", count: 60, expected: 0, age: hour, content: "", name: goName },
  { what: "authentik's lock", count: 1, expected: 1, age: 48 * hour, ...lock },
];

/**
 * Fills a scratch folder under `parent`, runs the container's command on it for one sweep, and counts the files.
 * @param mountedFiles settings and scripts, by file name
 */
export async function sweepScratch(
  parent: string,
  sidecar: V1Container,
  mountedFiles: Record<string, string>,
): Promise<{ rows: Row[]; log: string }> {
  const scratch = mkdtempSync(join(parent, "scratch-"));
  try {
    const folder = (name: string) => mkdtempSync(join(scratch, `${name}-`));
    const [shm, metrics, mounted] = [folder("shm"), folder("metrics"), folder("mounted")];
    for (const [name, text] of Object.entries(mountedFiles)) writeFileSync(join(mounted, name), text);
    const files = fill(shm);
    const log = await runUntilFirstSweep(sidecar, {
      SHM_DIR: shm,
      METRICS_DIR: metrics,
      METRICS_PORT: "127.0.0.1:0",
      SETTINGS_FILE: join(mounted, settingsFile),
      SCRIPTS_DIR: mounted,
    });
    const isLeft = (name: string) => existsSync(join(shm, name));
    return { rows: files.map(({ names, ...kind }) => ({ ...kind, left: names.filter(isLeft).length })), log };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function fill(directory: string): (Kind & { names: string[] })[] {
  let n = 0;
  return kinds.map((kind) => {
    const savedAt = new Date(Date.now() - kind.age);
    const names = Array.from({ length: kind.count }, () => kind.name(++n));
    for (const path of names.map((file) => join(directory, file))) {
      writeFileSync(path, kind.content, { mode: 0o600 });
      utimesSync(path, savedAt, savedAt);
    }
    return { ...kind, names };
  });
}

/** Runs the container's command in its own environment, with the given variables on top, and ends it after one sweep. */
async function runUntilFirstSweep(sidecar: V1Container, environment: Record<string, string>): Promise<string> {
  const declared = Object.fromEntries((sidecar.env ?? []).map(({ name, value }) => [name, value ?? ""]));
  const env = { PATH: process.env.PATH ?? "", ...declared, ...environment };
  const loop = new LoggedProcess(sidecar.command ?? [], env);
  try {
    await until("the first sweep", () => /event=sweep /.test(loop.log), 30);
    return loop.log;
  } finally {
    await loop.stop();
  }
}
