import assert from "node:assert/strict";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  statfsSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { changed, coverage, report, run, shells, sidecarText, sweepText } from "../../../sandbox/cleaner/shells";
import { freePort, Sidecar, until } from "../../../sandbox/cleaner/sidecarProcess";
import { mountTmpfs, type Tmpfs } from "../../../sandbox/cleaner/tmpfs";
import { goName, goSession } from "../../../sandbox/sessionFormats";

const hour = 3600;
const day = 24 * hour;
const visit = goSession({ holds: [] });
const login = goSession({ holds: ["claims"] });

function fetchText(url: string): Promise<{ status?: number; type?: string; text: string }> {
  return new Promise((done, failed) => {
    get(url, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => done({ status: response.statusCode, type: response.headers["content-type"], text }));
    }).on("error", failed);
  });
}

/** Lists the names of the processes that a process has started. */
function childrenOf(pid: number): string[] {
  const ids = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  return ids.flatMap((id) => {
    try {
      return [readFileSync(`/proc/${id}/comm`, "utf8").trim()];
    } catch {
      return []; // gone by now
    }
  });
}

for (const shell of shells) {
  describe(`the sidecar on ${shell.name}${coverage}`, function () {
    this.timeout(180_000);

    let tmpfs: Tmpfs;
    let dir: string;
    let metrics: string;
    let port: number;
    let sidecar: Sidecar | undefined;
    before(async () => {
      tmpfs = await mountTmpfs({ size: "4m" });
    });
    after(() => tmpfs.unmount());
    beforeEach(async () => {
      port = await freePort();
      dir = join(tmpfs.dir, "shm");
      metrics = join(tmpfs.dir, "metrics");
      for (const path of [dir, metrics]) {
        rmSync(path, { recursive: true, force: true });
        mkdirSync(path);
      }
    });
    afterEach(async () => {
      await sidecar?.stop();
      sidecar = undefined;
    });

    function save(name: string, content: string, ageSeconds = 0): void {
      writeFileSync(join(dir, name), content);
      const saved = Date.now() / 1000 - ageSeconds;
      utimesSync(join(dir, name), saved, saved);
    }

    function start(env: Record<string, string> = {}, loop?: string, sweep?: string): Sidecar {
      const own = { SHM_DIR: dir, METRICS_DIR: metrics, METRICS_PORT: String(port), SWEEP_INTERVAL_SECONDS: "1" };
      return (sidecar = new Sidecar(shell, { ...own, ...env }, loop, sweep));
    }

    const exists = (n: number): boolean => existsSync(join(dir, goName(n)));
    const sample = (name: string): number | undefined => {
      const text = existsSync(join(metrics, "metrics.txt")) ? readFileSync(join(metrics, "metrics.txt"), "utf8") : "";
      const line = text.split("\n").find((candidate) => candidate.startsWith(`authentik_outpost_shm_${name} `));
      return line === undefined ? undefined : Number(line.split(" ").at(-1));
    };

    const swept = (): number => sample("last_sweep_timestamp_seconds") ?? 0;

    it("sweeps at once, then at every interval, and keeps quiet while there is nothing to tell", async () => {
      save(goName(1), visit, 2 * hour);
      const { events } = start();
      await events("sweep", 1);
      assert.ok(!exists(1));
      const first = swept();
      await until("three quiet sweeps", () => swept() >= first + 3);
      save(goName(2), visit, 2 * hour);
      const [, second = ""] = await events("sweep", 2);
      assert.match(second, / removed=1 /);
    });

    it("sums up quiet sweeps in one line", async () => {
      const { events } = start({}, changed(sidecarText, "SUMMARY_SECONDS=3600", "SUMMARY_SECONDS=4"));
      const [line = ""] = await events("quiet", 1);
      assert.match(line, /^time=\S+Z event=quiet sweeps=[2-5] last_sweep_time=\S+Z event=sweep dir=\S+ .* removed=0 /);
      assert.equal((await events("sweep", 1)).length, 1);
    });

    it("sweeps at once at the high watermark, the moment before it had nothing to do: a full directory has room within 5 s", async () => {
      const { events } = start({ SWEEP_INTERVAL_SECONDS: "3600" });
      await events("sweep", 1);
      let files = 0;
      for (; statfsSync(dir).bfree > 0; files++) save(goName(files), visit, 60);
      assert.throws(() => save(goName(files), visit), { code: "ENOSPC" });
      await until("room for a session", () => statfsSync(dir).bfree > 0, 5); // LOOK_SECONDS are 3
      save(goName(files), visit);
      const [, line = ""] = await events("sweep", 2);
      assert.match(line, / usage_before_percent=(?:99|100) usage_after_percent=(?:59|60) /);
    });

    it("stops within a second between sweeps", async () => {
      const { events, stop } = start({ SWEEP_INTERVAL_SECONDS: "3600" });
      await events("sweep", 1);
      const { code, milliseconds } = await stop();
      assert.equal(code, 0);
      assert.ok(milliseconds < 1000, `${milliseconds} ms`);
      assert.equal((await events("stopped", 1)).length, 1);
      assert.deepEqual(readdirSync(metrics), ["metrics.txt"]);
    });

    it("stops within a second during a sweep", async () => {
      const { stop } = start({}, undefined, `: >"$METRICS_DIR/begun"; sleep 30`);
      await until("the sweep to begin", () => existsSync(join(metrics, "begun")));
      const { code, milliseconds } = await stop();
      assert.equal(code, 0);
      assert.ok(milliseconds < 1000, `${milliseconds} ms`);
    });

    it("says, counts and survives a sweep that is killed, which leaves nothing to repair", async () => {
      writeFileSync(join(metrics, "kill"), "");
      save(goName(1), visit, 2 * hour);
      save(goName(2), visit, 2 * hour);
      // Killed when everything is removed and nothing written yet.
      const killed = changed(
        sweepText,
        "duration=$((up_ms - started))\npublish",
        'duration=$((up_ms - started))\n[ ! -e "$METRICS_DIR/kill" ] || kill -9 $$\npublish',
      );
      const { events } = start({}, undefined, killed);
      const [line = ""] = await events("sweep_failed", 2);
      assert.match(line, /^time=\S+ event=sweep_failed status=137 retry_seconds=1$/);
      rmSync(join(metrics, "kill"));
      const failures = (await events("sweep_failed", 2)).length;
      await until("a sweep that works", () => swept() > 0);
      assert.ok(Number(sample("sweep_errors_total")) >= failures);
      assert.ok(!exists(1) && !exists(2));
    });

    it("goes on when the directory is missing, and works when it is back", async () => {
      rmSync(dir, { recursive: true });
      const { events } = start();
      const [line = ""] = await events("sweep_failed", 2);
      assert.match(line, / dir=\S+ error="no such directory, or no permission to enter it"$/);
      mkdirSync(dir);
      save(goName(1), visit, 2 * hour);
      await until("the file gone", () => !exists(1));
    });

    it("reads the settings again at every sweep, and says a bad one once", async () => {
      const file = join(metrics, "settings");
      const settings = (anonymous: string) => {
        const rest = ["AUTHENTICATED_MAX_AGE_SECONDS=86400", "HIGH_WATERMARK_PERCENT=80", "LOW_WATERMARK_PERCENT=60"];
        writeFileSync(file, ["SWEEP_INTERVAL_SECONDS=1", `ANONYMOUS_MAX_AGE_SECONDS=${anonymous}`, ...rest].join("\n"));
      };
      settings("3600");
      save(goName(1), visit, 500);
      const { events } = start({ SETTINGS_FILE: file });
      await events("sweep", 1);
      assert.ok(exists(1));
      settings("400");
      await until("the new age to count", () => !exists(1));
      settings("soon");
      await events("setting_ignored", 1);
      save(goName(2), visit, 450);
      save(goName(3), visit, 350);
      await until("the last good age to count", () => !exists(2));
      rmSync(file); // as if the ConfigMap were gone: the built-in hour
      save(goName(4), visit, 450);
      const last = swept();
      await until("two more sweeps", () => swept() >= last + 2);
      assert.deepEqual([exists(3), exists(4)], [true, true]);
      assert.deepEqual(
        (await events("setting_ignored", 1)).map((line) => line.replace(/^\S+ /, "")),
        [
          'event=setting_ignored source=settings_file key=ANONYMOUS_MAX_AGE_SECONDS value="soon" ' +
            'expected="a whole number from 1 to 31536000" kept="400"',
        ],
      );
    });

    it("sweeps at once when the settings change, however long the interval, and then rests again", async () => {
      const file = join(metrics, "settings");
      const settings = (anonymous: string) => {
        const rest = ["AUTHENTICATED_MAX_AGE_SECONDS=86400", "HIGH_WATERMARK_PERCENT=80", "LOW_WATERMARK_PERCENT=60"];
        writeFileSync(
          file,
          ["SWEEP_INTERVAL_SECONDS=86400", `ANONYMOUS_MAX_AGE_SECONDS=${anonymous}`, ...rest].join("\n"),
        );
      };
      settings("3600");
      const { events } = start({ SETTINGS_FILE: file });
      await events("sweep", 1);
      for (const n of [1, 2]) save(goName(n), visit, 500);
      settings("400");
      // Dated within the second of the first sweep. If it were that of the next sweep, another one would follow.
      const loop = readdirSync(metrics).find((name) => name.startsWith(".loop."))!;
      const written = statSync(join(metrics, loop, "begun")).mtimeMs / 1000 + 1;
      utimesSync(file, written, written);
      await events("sweep", 2);
      assert.deepEqual([exists(1), exists(2)], [false, false]);
      save(goName(3), visit, 500);
      await delay(4000); // longer than LOOK_SECONDS
      assert.ok(exists(3));
    });

    const jumpingDate =
      'date() { if [ -e "$METRICS_DIR/jump" ]; then command date -d "@$(($(command date +%s) + JUMP))" "$@"; else command date "$@"; fi; }';

    describe("when the clock is put forward by a day", () => {
      async function jump(loop: string, expectSwept: number): Promise<void> {
        for (const n of [1, 2]) save(goName(n), n === 1 ? login : visit, 60);
        const { events } = start({ JUMP: String(day) }, `${jumpingDate}\n${loop}`, `${jumpingDate}\n${sweepText}`);
        await events("sweep", 1);
        const before = swept();
        writeFileSync(join(metrics, "jump"), "");
        await until("a sweep by the new clock", () => swept() >= before + expectSwept);
      }

      it("ends no session that was fresh before", async () => {
        await jump(sidecarText, day + 2);
        assert.deepEqual([exists(1), exists(2)], [true, true]);
        const [line = ""] = (await sidecar?.events("clock_jumped", 1)) ?? [];
        assert.match(line, /^time=\S+ event=clock_jumped seconds=86[34]\d\d$/);
      });

      /** Sweeps as the CronJob does, or a cleanup by hand. */
      const sweepFromOutside = (text: string) =>
        run(shell, `${jumpingDate}\n${text}`, { env: { SHM_DIR: dir, METRICS_DIR: metrics, JUMP: String(day) } });

      it("has who sweeps from outside end none either", async () => {
        await jump(sidecarText, day + 2);
        report(await sweepFromOutside(sweepText));
        assert.deepEqual([exists(1), exists(2)], [true, true]);
        report(await sweepFromOutside(changed(sweepText, "\nread_clock_jump\n", "\n")));
        assert.deepEqual([exists(1), exists(2)], [false, false]);
      });

      for (const [what, loop, ends] of [
        ["ends none after a restart of its container either", sidecarText, false],
        [
          "which fails where it does not recall the jump",
          changed(sidecarText, "\nrecall_clock_jump\n", '\nrm -f "$METRICS_DIR/clock_jump"\n'),
          true,
        ],
      ] as const) {
        it(what, async () => {
          await jump(sidecarText, day + 2);
          await sidecar?.stop();
          const { events } = start({ JUMP: String(day) }, `${jumpingDate}\n${loop}`, `${jumpingDate}\n${sweepText}`);
          await events("sweep", 1);
          assert.deepEqual([exists(1), exists(2)], [!ends, !ends]);
        });
      }

      it("which fails when the guard is taken out", async () => {
        await jump(changed(sidecarText, "run_sweep() {\n  watch_clock\n", "run_sweep() {\n"), day + 2);
        assert.deepEqual([exists(1), exists(2)], [false, false]);
      });
    });

    it("sweeps without its long pause once most of the idle files are gone", async () => {
      // The interval is one second, but the pause for this many files is 400.
      const loop = changed(sidecarText, "IDLE_FILES_PER_SECOND=33", "IDLE_FILES_PER_SECOND=1");
      for (let n = 0; n < 400; n++) save(goName(n), visit, 60);
      start({}, loop);
      await until("the first sweep", () => swept() > 0);
      const first = swept();
      for (let n = 0; n < 300; n++) rmSync(join(dir, goName(n)));
      await until("another sweep", () => swept() > first, 6); // LOOK_SECONDS are 3
    });

    it("ends no session and does not stand still when the clock is put back by an hour", async () => {
      for (const n of [1, 2]) save(goName(n), n === 1 ? login : visit, 60);
      const { events } = start(
        { JUMP: String(-hour) },
        `${jumpingDate}\n${sidecarText}`,
        `${jumpingDate}\n${sweepText}`,
      );
      await events("sweep", 1);
      writeFileSync(join(metrics, "jump"), "");
      await events("clock_jumped", 1);
      const first = swept();
      await until(
        "sweeps by the new clock",
        () => swept() > 0 && swept() < Date.now() / 1000 - 3000 && swept() !== first,
      );
      assert.deepEqual([exists(1), exists(2)], [true, true]);
    });

    it("says what a dry run would remove in its log, not in METRICS_DIR", async () => {
      save(goName(1), visit, 2 * hour);
      const { logged } = start({ DRY_RUN: "1" });
      await until("the file named", () =>
        logged().includes(`would_remove=${goName(1)} state=anonymous reason=expired\n`),
      );
      assert.ok(exists(1));
    });

    it("refuses to start where it can write nothing", async () => {
      const { logged, child } = start({ METRICS_DIR: "/nowhere/at/all" });
      const [code] = (await once(child, "exit")) as [number];
      assert.equal(code, 1);
      assert.match(
        logged(),
        /^time=\S+ event=not_started error="METRICS_DIR \/nowhere\/at\/all can not be written to"\n$/,
      );
    });

    /** Lists the names of the loop's child processes from its first sweep to its third. */
    async function childrenBetweenSweeps(loop?: string): Promise<Set<string>> {
      const { child, events } = start({}, loop);
      await events("sweep", 1);
      const first = swept();
      const names = new Set<string>();
      await until("two more sweeps", () => {
        childrenOf(child.pid!).forEach((name) => names.add(name));
        return swept() >= first + 2;
      });
      return names;
    }

    // Only busybox has read -t and httpd, and so serves metrics. Elsewhere sleep waits, and metrics.txt is only written.
    if (shell.name.startsWith("busybox")) {
      it("waits for its next look without a process", async () => {
        assert.ok(!(await childrenBetweenSweeps()).has("sleep"));
      });

      it("waits by sleep where there can be no pipe to wait for", async () => {
        assert.ok((await childrenBetweenSweeps(changed(sidecarText, "mkfifo", "false"))).has("sleep"));
      });

      it("serves the metrics, and nothing else that could be guessed", async () => {
        const { events } = start();
        await events("sweep", 1);
        const { status, type, text } = await fetchText(`http://127.0.0.1:${port}/metrics.txt`);
        assert.deepEqual([status, type], [200, "text/plain"]);
        assert.match(text, /^authentik_outpost_shm_sweep_errors_total 0$/m);
        assert.equal((await fetchText(`http://127.0.0.1:${port}/`)).status, 404);
      });
    }
  });
}
