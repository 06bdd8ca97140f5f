import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { changed, coverage, run, shells, sweepText, type Result, type Shell } from "../../../sandbox/cleaner/shells";
import { mountTmpfs, type Tmpfs, type TmpfsOptions } from "../../../sandbox/cleaner/tmpfs";
import { goSession } from "../../../sandbox/sessionFormats";

export const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

export const minute = 60;
export const hour = 60 * minute;
export const day = 24 * hour;
export const visit = goSession({ holds: [] });
/** A visit that its size does not give away, so that it has to be read. */
export const longVisit = goSession({ holds: ["redirect"], url: `https://a.example/${"p".repeat(800)}` });
export const login = goSession({ holds: ["claims"] });

/** An empty directory on a tmpfs, and the sweep to try on it. */
export class Scene {
  readonly dir: string;
  readonly outside: string;
  readonly metrics: string;

  constructor(
    readonly tmpfs: Tmpfs,
    readonly shell: Shell,
    readonly text: string,
  ) {
    this.dir = join(tmpfs.dir, "shm");
    this.outside = join(tmpfs.dir, "outside");
    this.metrics = join(tmpfs.dir, "metrics");
    for (const path of [this.dir, this.outside, this.metrics]) {
      rmSync(path, { recursive: true, force: true });
      mkdirSync(path);
    }
  }

  save = (name: string | Buffer, content: string, ageSeconds = 0, dir = this.dir): void => {
    const path = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(name)]);
    writeFileSync(path, content);
    this.age(path, ageSeconds);
  };

  age(path: string | Buffer, seconds: number): void {
    const saved = Date.now() / 1000 - seconds;
    utimesSync(path, saved, saved);
  }

  left(dir = this.dir): string[] {
    return readdirSync(dir, "latin1").sort();
  }

  /**
   * Sweeps with metrics and an anonymous age of an hour. `as` is the command to run it as another user, or with limits.
   * `inside` is true if it has to be in the tmpfs's own mount namespace, where the mounts of its files count.
   */
  sweep(args: string[] = [], options: Partial<SweepOptions> = {}): Promise<Result> {
    const { env, text = this.text, as = [], inside = false } = options;
    const { dir, command } = inside ? this.tmpfs.inside : { dir: this.tmpfs.dir, command: [] };
    return run(this.shell, text, {
      as: [...command, ...as],
      args: [`SHM_DIR=${dir}/shm`, `METRICS_DIR=${dir}/metrics`, ...args],
      env: { ANONYMOUS_MAX_AGE_SECONDS: String(hour), ...env },
      cwd: inside ? "/" : this.outside,
    });
  }
}

interface SweepOptions {
  env: Record<string, string>;
  text: string;
  as: readonly string[];
  inside: boolean;
}

type Change = readonly [from: string, to: string];

export interface Scenario {
  tmpfs?: Partial<TmpfsOptions>;
  /** The guard, and its replacement in the text without it. */
  guard?: Change | readonly Change[];
  act(scene: Scene): Promise<void>;
}

/** Runs a scenario on a tmpfs of its own. */
async function play(scenario: Scenario, shell: Shell, text: string): Promise<void> {
  const tmpfs = await mountTmpfs({ size: "4m", ...scenario.tmpfs });
  try {
    await scenario.act(new Scene(tmpfs, shell, text));
  } finally {
    await tmpfs.unmount();
  }
}

/** Defines two tests for each scenario on each shell: it holds, and it fails without its guard. */
export function describeScenarios(title: string, scenarios: Readonly<Record<string, Scenario>>): void {
  for (const shell of shells) {
    describe(`${title} on ${shell.name}${coverage}`, function () {
      this.timeout(120_000);
      for (const [name, scenario] of Object.entries(scenarios)) {
        it(name, () => play(scenario, shell, sweepText));
        const { guard } = scenario;
        if (!guard) continue;
        it(`${name}: fails when the guard is taken out`, async () => {
          const guards = (typeof guard[0] === "string" ? [guard] : guard) as readonly Change[];
          const unguarded = guards.reduce((text, change) => changed(text, ...change), sweepText);
          await assert.rejects(play(scenario, shell, unguarded), (error: Error) => {
            return error instanceof assert.AssertionError || error.message.startsWith("exit status");
          });
        });
      }
    });
  }
}
