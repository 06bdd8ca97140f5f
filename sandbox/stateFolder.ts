// Folders for the state of sandboxes and tests. None of them outlives its process for long.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { beforeEnd } from "./undoAtExit";
import { stateRoot } from "./paths";
import { isRunning } from "./processes";

/** Identifies this host or container, since others may use the same clone and process ids mean nothing there. */
const host = hostname().replaceAll(/[^\w.-]/g, "_");

/**
 * Creates an empty folder under .sandbox/ of this clone, which goes when this process ends. If a process was killed outright,
 * the next call removes its folder.
 * @param name purpose of the folder: letters, digits and hyphens
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
      // Something still writes there, or another call is removing it. The next call takes care of it.
    }
  }
}
