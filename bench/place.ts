import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mountTmpfs, type Tmpfs } from "../sandbox/cleaner/tmpfs";
import { goName, goSession } from "../sandbox/sessionFormats";

/** Logins are numbered from here and visits from 0, so their names never collide. */
const firstLogin = 1_000_000_000;
const visit = goSession({ holds: ["redirect"], url: "https://app.example.com/dashboards/overview?from=now-6h&to=now" });
const longVisit = goSession({ holds: ["redirect"], url: `https://app.example.com/search?q=${"term+".repeat(80)}` });
const login = goSession({ holds: ["claims"], groups: 5, token: 1200 });

/** Sizes of the sessions the benchmarks write, in bytes. */
export const sessionBytes = { visit: visit.length, login: login.length };

export const unixTime = (): number => Date.now() / 1000;

/** A size-limited tmpfs that an outpost's sessions are written to. */
export class Place {
  readonly dir: string;
  /** Folder for the metrics of a sweep: on another filesystem, as in a pod. */
  readonly metrics = mkdtempSync(join(tmpdir(), "bench-metrics-"));

  private constructor(private readonly tmpfs: Tmpfs) {
    this.dir = join(tmpfs.dir, "shm");
    mkdirSync(this.dir);
  }

  static async open(megabytes: number): Promise<Place> {
    return new Place(await mountTmpfs({ size: `${megabytes}m`, inodes: 1_000_000 }));
  }

  /** Saves the nth visit. Returns false if there was no space; an empty file is left then, as an outpost leaves it. */
  visit(n: number, savedAt?: number): boolean {
    return save(join(this.dir, goName(n)), visit, savedAt);
  }

  /** Saves the nth visit with a long address, so that only reading the file tells it from a login. */
  longVisit(n: number, savedAt: number): boolean {
    return save(join(this.dir, goName(n)), longVisit, savedAt);
  }

  login(n: number, savedAt: number): boolean {
    return save(join(this.dir, goName(firstLogin + n)), login, savedAt);
  }

  /** Saves logins up to 80,000 seconds older than `at`, so that an hour later all are still younger than a day. */
  logInMany(count: number, at: number): void {
    for (let n = 0; n < count; n++) this.login(n, at - (80_000 * n) / count);
  }

  hasVisit(n: number): boolean {
    return existsSync(join(this.dir, goName(n)));
  }

  loginsLeft(count: number): number {
    let left = 0;
    for (let n = 0; n < count; n++) if (existsSync(join(this.dir, goName(firstLogin + n)))) left++;
    return left;
  }

  get pages(): { total: number; used: number } {
    const { blocks, bfree } = statfsSync(this.dir);
    return { total: blocks, used: blocks - bfree };
  }

  clear(): void {
    for (const path of [this.dir, this.metrics]) {
      rmSync(path, { recursive: true, force: true });
      mkdirSync(path);
    }
  }

  async close(): Promise<void> {
    rmSync(this.metrics, { recursive: true, force: true });
    await this.tmpfs.unmount();
  }
}

/** Saves a file. Returns false if there was no space for it. */
function save(path: string, content: string, savedAt: number | undefined): boolean {
  try {
    writeFileSync(path, content, { mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
  if (savedAt !== undefined) utimesSync(path, savedAt, savedAt);
  return true;
}
