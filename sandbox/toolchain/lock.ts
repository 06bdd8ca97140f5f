// A lock between processes, made of one file. Its holder touches it every few seconds, so that a lock whose holder is gone
// can be told from one whose holder is busy, even where process ids mean nothing (another host, another container).
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isRunning } from "../processes";

/** How often a holder touches its lock, in milliseconds. */
const TOUCH_MS = 2_000;
/** A lock untouched for so long, in milliseconds, has lost its holder. */
const STALE_MS = 30_000;
/** Pause between two looks at a lock that another process holds, in milliseconds. */
const LOOK_MS = 250;

interface Holder {
  pid: number;
  host: string;
  /** Tells one holding from any other. */
  id: string;
}

/**
 * Runs `work` while holding the lock `file`, which nobody else then holds. A lock left behind by a dead process is taken over.
 * `onWait` is called once, with the holder's process id, if the lock has to be waited for.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, onWait?: (pid: number) => void): Promise<T> {
  const mine: Holder = { pid: process.pid, host: hostname(), id: randomUUID() };
  mkdirSync(dirname(file), { recursive: true });
  let waiting = false;
  while (!create(file, mine)) {
    const holder = read(file);
    if (!holder) continue; // released between the two looks
    if (isAbandoned(file, holder)) {
      takeAway(file, holder);
      continue;
    }
    if (!waiting) onWait?.(holder.pid);
    waiting = true;
    await delay(LOOK_MS);
  }
  return holding(file, mine, work);
}

async function holding<T>(file: string, mine: Holder, work: () => Promise<T>): Promise<T> {
  const touching = setInterval(() => touch(file), TOUCH_MS).unref();
  try {
    return await work();
  } finally {
    clearInterval(touching);
    if (read(file)?.id === mine.id) rmSync(file, { force: true });
  }
}

/** False if the lock exists already. */
function create(file: string, holder: Holder): boolean {
  try {
    writeFileSync(file, JSON.stringify(holder), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Undefined if there is no lock. One that can't be read was cut off while being written: it has a holder nobody knows. */
function read(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Holder;
  } catch (error) {
    if (isMissing(error)) return undefined;
    return { pid: 0, host: "", id: "" };
  }
}

function isAbandoned(file: string, holder: Holder): boolean {
  if (holder.host === hostname() && !isRunning(holder.pid)) return true;
  try {
    return Date.now() - statSync(file).mtimeMs > STALE_MS;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/**
 * Removes an abandoned lock. Renaming is what only one of several processes can do; should it have caught a lock that
 * somebody took in the meantime, that one is put back.
 */
function takeAway(file: string, abandoned: Holder): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if (read(aside)?.id === abandoned.id) rmSync(aside, { force: true });
  else renameSync(aside, file);
}

function touch(file: string): void {
  try {
    utimesSync(file, new Date(), new Date());
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
