// Folders for the state of sandboxes and tests, none of which outlives the process that it belongs to for long.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { beforeEnd } from "./endings";
import { stateRoot } from "./paths";
import { isRunning } from "./processes";

/** Process ids mean nothing on another host or in another container, which may use the same clone. */
const host = hostname().replaceAll(/[^\w.-]/g, "_");

/**
 * A new empty folder under .sandbox/ of this clone, which goes when this process ends. One whose process was killed outright goes
 * at the next call.
 * @param name what it is for: letters, digits and hyphens
 */
export function createStateFolder(name: string): string {
  mkdirSync(stateRoot(), { recursive: true });
  removeAbandoned();
  const folder = mkdtempSync(join(stateRoot(), `${name}.${host}.${process.pid}.`));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  beforeEnd({ stop: remove, kill: remove });
  return folder;
}

function removeAbandoned(): void {
  for (const entry of readdirSync(stateRoot())) {
    const [, owner = "", pid = ""] = /^[\w-]+\.(.+)\.(\d+)\.\w{6}$/.exec(entry) ?? [];
    if (owner !== host || isRunning(Number(pid))) continue;
    try {
      rmSync(join(stateRoot(), entry), { recursive: true, force: true });
    } catch {
      // Something still writes there, or another call removes it just now: the next call will see to it.
    }
  }
}
