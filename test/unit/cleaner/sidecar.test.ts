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
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { changed, coverage, shells, sidecarText, sweepText } from "../../../sandbox/cleaner/shells";
import { freePort, Sidecar, until } from "../../../sandbox/cleaner/sidecarProcess";
import { mountTmpfs, type Tmpfs } from "../../../sandbox/cleaner/tmpfs";
import { goName } from "../../../sandbox/sessionFormats";
import { waitUntil } from "../../../sandbox/waitUntil";
import { day, hour, login, Scene, visit } from "./scenes";

interface Process {
  id: number;
  name: string;
}

/** Lists the processes that a process has started. */
function childrenOf(pid: number): Process[] {
  try {
    const ids = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return ids.filter(Boolean).map((id) => ({
      id: Number(id),
      name:
        readFileSync(`/proc/${id}/cmdline`, "utf8")
          .split("\0")
          .find((word) => word !== "timeout") ?? "",
    }));
  } catch {
    return []; // gone by now
  }
}
const descendantsOf = (pid: number): Process[] =>
  childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child.id)]);

/** Fetches the metrics once the server answers. It is away for a moment after each connection. */
const fetchMetrics = (port: number, path = "metrics.txt"): Promise<Response> =>
  waitUntil(() => fetch(`http://127.0.0.1:${port}/${path}`), { what: "the server", timeoutMs: 30_000 });

for (const shell of shells) {
  describe(`the sidecar on ${shell.name}${coverage}`, function () {
    this.timeout(180_000);

    let tmpfs: Tmpfs;
    let dir: string;
    let metrics: string;
    let save: Scene["save"];
    let port: number;
    let sidecar: Sidecar | undefined;
    before(async () => {
      tmpfs = await mountTmpfs({ size: "4m" });
    });
    after(() => tmpfs.unmount());
    beforeEach(async () => {
      port = await freePort();
      ({ dir, metrics, save } = new Scene(tmpfs, shell, sweepText));
    });
    afterEach(async () => {
      await sidecar?.stop();
      sidecar = undefined;
    });

    function start(env: Record<string, string> = {}, loop?: string, sweep?: string): Sidecar {
      const ages = { SWEEP_INTERVAL_SECONDS: "1", ANONYMOUS_MAX_AGE_SECONDS: "3600" };
      const own = { SHM_DIR: dir, METRICS_DIR: metrics, METRICS_PORT: String(port), ...ages };
      return (sidecar = new Sidecar(shell, { ...own, ...env }, loop, sweep));
    }

    const exists = (n: number): boolean => existsSync(join(dir, goName(n)));
    const sample = (name: string): number | undefined => {
      const text = existsSync(join(metrics, "metrics.txt")) ? readFileSync(join(metrics, "metrics.txt"), "utf8") : "";
      const line = text.split("\n").find((candidate) => candidate.startsWith(`authentik_outpost_shm_${name} `));
      return line === undefined ? undefined : Number(line.split(" ").at(-1));
    };

    /** Saves sessions of `file` for some seconds. What is saved right after a sweep is there before the loop's own look. */
    async function grow(file: typeof visit, from: number, pages: number): Promise<void> {
      for (let n = from; n < from + pages; n++) {
        save(goName(n), file, 60);
        if (n % 15 === 0) await delay(200);
      }
    }

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

    it("reports a sweep that had nothing to do once an hour", async () => {
      const { events } = start({}, changed(sidecarText, "REPORT_SECONDS=3600", "REPORT_SECONDS=5"));
      const [first = "", second = ""] = await events("sweep", 2);
      for (const line of [first, second]) assert.match(line, / removed=0 /);
      const [from, to] = [first, second].map((line) => Date.parse(line.split(/time=| /)[1] ?? ""));
      // The log has whole seconds of one clock, and the loop counts those of another.
      assert.ok((to ?? 0) - (from ?? 0) >= 4000, `${first}\n${second}`);
    });

    it("sweeps at once at the high watermark, the moment before it had nothing to do: a full directory has room within 6 s", async () => {
      const { events } = start({ SWEEP_INTERVAL_SECONDS: "3600", DRY_RUN: "1" }); // the loop knows no dry run
      await events("sweep", 1);
      let files = 0;
      for (; statfsSync(dir).bfree > 0; files++) save(goName(files), visit, 60);
      assert.throws(() => save(goName(files), visit), { code: "ENOSPC" });
      await until("room for a session", () => statfsSync(dir).bfree > 0, 6); // LOOK_SECONDS are 4
      save(goName(files), visit);
      const [, line = ""] = await events("sweep", 2);
      assert.match(line, / usage_before_percent=(?:99|100) usage_after_percent=(?:59|60) /);
    });

    it("looks each second while usage grows, from the end of a sweep on", async () => {
      for (let n = 0; n < 860; n++) save(goName(n), visit, 60);
      const loop = changed(sidecarText, "LOOK_SECONDS=4 ", "LOOK_SECONDS=60 ");
      const { events } = start({ SWEEP_INTERVAL_SECONDS: "3600" }, loop);
      await events("sweep", 1);
      await grow(visit, 1000, 300);
      await events("sweep", 2);
    });

    it("tries again soon after a sweep that found all visitors too young, whenever the next look would be", async () => {
      const spare = 50; // pages, for the notes and the metrics, which are in the same tmpfs here
      for (let n = 0; statfsSync(dir).bfree > spare; n++) save(goName(n), visit);
      start({ SWEEP_INTERVAL_SECONDS: "3600" }, changed(sidecarText, "LOOK_SECONDS=4 ", "LOOK_SECONDS=60 "));
      await until("room for more", () => statfsSync(dir).bfree > 4 * spare, 12); // PRESSURE_FLOOR is 5
    });

    it("tries ever less often where nobody may go, and at once when usage grows", async () => {
      // One of them expires each second, which leaves the others where they are.
      for (let n = 0; n < 870; n++) save(goName(n), login, Math.max(0, hour - n));
      const often = changed(sidecarText, "LOOK_SECONDS=4 ", "LOOK_SECONDS=1 ");
      const { events } = start(
        { SWEEP_INTERVAL_SECONDS: "3600", AUTHENTICATED_MAX_AGE_SECONDS: "3600", COUNT_ONLY: "1" },
        changed(often, "REPORT_SECONDS=3600", "REPORT_SECONDS=0"),
      );
      const pauses = async (sweeps: number) => {
        const times = (await events("sweep", sweeps)).map((line) => Date.parse(line.split(/time=| /)[1] ?? "") / 1000);
        return times.slice(1).map((time, index) => time - (times[index] ?? 0));
      };
      for (const [index, seconds] of (await pauses(5)).entries())
        assert.ok(seconds >= index, `${seconds} s before sweep ${index + 2}`); // 1, 2, 3 and 4, in whole seconds of the log
      await grow(login, 870, 60);
      const growth = (await pauses(6)).at(-1)!;
      assert.ok(growth <= 4, `${growth} s`); // it would have been six
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

    /** Tries again at once after a sweep that failed. */
    const retryingLoop = changed(sidecarText, "FAILED_RETRY_SECONDS=10", "FAILED_RETRY_SECONDS=1");
    /** A sweep that starts a process, says which, and waits for it. */
    const slowSweep = 'sleep 300 & echo $! >"$METRICS_DIR/pid.new"; mv "$METRICS_DIR/pid.new" "$METRICS_DIR/pid"; wait';
    const isAlive = (pid: string) => existsSync(`/proc/${pid}`);
    async function processOfSweep(): Promise<string> {
      await until("the sweep to begin", () => existsSync(join(metrics, "pid")));
      return readFileSync(join(metrics, "pid"), "utf8").trim();
    }

    it("stops within a second during a sweep, with all that the sweep has started", async () => {
      const { stop } = start({}, undefined, slowSweep);
      const pid = await processOfSweep();
      assert.ok(isAlive(pid));
      const { code, milliseconds } = await stop();
      assert.equal(code, 0);
      assert.ok(milliseconds < 1000, `${milliseconds} ms`);
      await until("the process gone", () => !isAlive(pid));
    });

    it("ends a sweep that takes too long, with all that it has started, and counts it", async () => {
      const loop = changed(retryingLoop, "SWEEP_LIMIT_SECONDS=600", "SWEEP_LIMIT_SECONDS=1");
      const sweep = `if [ ! -e "$METRICS_DIR/pid" ]; then ${slowSweep}; fi\n${sweepText}`;
      const { events } = start({}, loop, sweep);
      const pid = await processOfSweep();
      const [line = ""] = await events("sweep_failed", 1);
      assert.match(line, /^time=\S+ event=sweep_failed status=(?:124|143) retry_seconds=1$/);
      await until("the process gone", () => !isAlive(pid));
      await until("the next sweep", () => swept() > 0);
      assert.equal(sample("sweep_errors_total"), 1);
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
      const { events } = start({}, retryingLoop, killed);
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
      const { events } = start({}, retryingLoop);
      const [line = ""] = await events("sweep_failed", 2);
      assert.match(line, / dir=\S+ error="no such directory, or no permission to enter it"$/);
      mkdirSync(dir);
      save(goName(1), visit, 2 * hour);
      await until("the file gone", () => !exists(1));
    });

    /** Writes the file of settings, as the kubelet writes a changed ConfigMap. Returns its path. */
    function settings(anonymous: string, interval = 1): string {
      const file = join(metrics, "settings");
      const own = [`SWEEP_INTERVAL_SECONDS=${interval}`, `ANONYMOUS_MAX_AGE_SECONDS=${anonymous}`];
      const rest = ["AUTHENTICATED_MAX_AGE_SECONDS=86400", "HIGH_WATERMARK_PERCENT=80", "LOW_WATERMARK_PERCENT=60"];
      writeFileSync(file, [...own, ...rest].join("\n"));
      return file;
    }

    it("reads the settings again at every sweep, and says a bad one once", async () => {
      const file = settings("3600");
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
      rmSync(file); // as if the ConfigMap were gone
      const last = swept();
      await until("two more sweeps", () => swept() >= last + 2);
      save(goName(4), visit, 450);
      await until("the last good age to count without a file", () => !exists(4));
      assert.ok(exists(3));
      assert.deepEqual(
        (await events("setting_ignored", 1)).map((line) => line.replace(/^\S+ /, "")),
        [
          'event=setting_ignored source=settings_file key=ANONYMOUS_MAX_AGE_SECONDS value="soon" ' +
            'expected="a whole number from 1 to 31536000" kept="400"',
        ],
      );
    });

    it("sweeps at once when the settings change, however long the interval, and then rests again", async () => {
      const file = settings("3600", 86_400);
      const { events } = start({ SETTINGS_FILE: file });
      await events("sweep", 1);
      for (const n of [1, 2]) save(goName(n), visit, 500);
      settings("400", 86_400);
      // Dated within the second of the first sweep. If it were that of the next sweep, another one would follow.
      const loop = readdirSync(metrics).find((name) => name.startsWith(".loop."))!;
      const written = statSync(join(metrics, loop, "begun")).mtimeMs / 1000 + 1;
      utimesSync(file, written, written);
      await events("sweep", 2);
      assert.deepEqual([exists(1), exists(2)], [false, false]);
      save(goName(3), visit, 500);
      await delay(5000); // longer than LOOK_SECONDS
      assert.ok(exists(3));
    });

    /** Gives a script a clock that can jump: a function, and for touch, which is a program, an argument. */
    const withJumpingClock = (text: string) =>
      'date() { if [ -e "$METRICS_DIR/jump" ]; then command date -d "@$(($(command date +%s) + JUMP))" "$@"; else command date "$@"; fi; }\n' +
      text
        .replace("${EPOCHSECONDS:-$(date +%s)}", "$(date +%s)")
        .replace("touch -c -h --)", 'touch -d "@$(date +%s)" -c -h --)');

    for (const [direction, seconds] of [
      ["forward by a day", day],
      ["back by an hour", -hour],
    ] as const) {
      describe(`when the clock is put ${direction}`, () => {
        /** Lets the clock jump after the first sweep, and waits for another one by the new clock. */
        async function jump(loop: string): Promise<void> {
          for (const n of [1, 2]) save(goName(n), n === 1 ? login : visit, 60);
          const { events } = start({ JUMP: String(seconds) }, withJumpingClock(loop), withJumpingClock(sweepText));
          await events("sweep", 1);
          writeFileSync(join(metrics, "jump"), "");
          await until("a sweep by the new clock", () => Math.abs(swept() - Date.now() / 1000 - seconds) < 60);
        }

        it("gives all sessions the new time once, and ends none", async () => {
          await jump(sidecarText);
          assert.deepEqual([exists(1), exists(2)], [true, true]);
          for (const n of [1, 2]) {
            const age = Date.now() / 1000 + seconds - statSync(join(dir, goName(n))).mtimeMs / 1000;
            assert.ok(age >= -1 && age < 60, `${age} s`);
          }
          const lines = (await sidecar?.events("clock_jumped", 1)) ?? [];
          assert.equal(lines.length, 1);
          assert.match(lines[0] ?? "", seconds > 0 ? / seconds=86[34]\d\d$/ : / seconds=-3[56]\d\d$/);
        });

        if (seconds > 0)
          it("fails when the guard is taken out", async () => {
            await jump(changed(sidecarText, "  watch_clock\n", ""));
            assert.deepEqual([exists(1), exists(2)], [false, false]);
          });
      });
    }

    it("says that it can't notice a jump where the uptime can't be read, and sweeps all the same", async () => {
      const blind = (text: string) => text.replaceAll("</proc/uptime", "</dev/null");
      save(goName(1), visit, 2 * hour);
      const { events } = start({}, blind(sidecarText), blind(sweepText));
      await events("sweep", 1);
      assert.ok(!exists(1));
      const [line = ""] = await events("no_uptime", 1);
      assert.match(line, / problem="\/proc\/uptime cannot be read: jumps of the clock go unnoticed"$/);
      const first = swept();
      await until("another sweep", () => swept() > first);
    });

    it("sweeps without its long pause once most of the idle files are gone", async () => {
      // The interval is one second, but the pause for this many files is 400.
      const loop = changed(sidecarText, "IDLE_FILES_PER_SECOND=33", "IDLE_FILES_PER_SECOND=1");
      for (let n = 0; n < 400; n++) save(goName(n), visit, 60);
      start({}, loop);
      await until("the first sweep", () => swept() > 0);
      const first = swept();
      for (let n = 0; n < 300; n++) rmSync(join(dir, goName(n)));
      await until("another sweep", () => swept() > first, 7); // LOOK_SECONDS are 4
    });

    it("refuses to start where it can write nothing", async () => {
      const { logged, child } = start({ METRICS_DIR: "/nowhere/at/all" });
      const [code] = (await once(child, "exit")) as [number];
      assert.equal(code, 1);
      assert.match(
        logged(),
        /^time=\S+ event=not_started error="METRICS_DIR \/nowhere\/at\/all cannot be written to"\n$/,
      );
    });

    // Only busybox has read -t, nc and httpd, and so serves metrics. Elsewhere sleep waits, and metrics.txt is only written.
    if (shell.name.startsWith("busybox")) {
      it("waits for its next look without a process", async () => {
        const { child, events } = start();
        await events("sweep", 1);
        const first = swept();
        const names = new Set<string>();
        await until("two more sweeps", () => {
          childrenOf(child.pid!).forEach(({ name }) => names.add(name));
          return swept() >= first + 2;
        });
        assert.ok(!names.has("sleep"), [...names].join());
      });

      it("serves the metrics, and nothing else that could be guessed", async () => {
        const { events } = start();
        await events("sweep", 1);
        const response = await fetchMetrics(port);
        assert.deepEqual([response.status, response.headers.get("content-type")], [200, "text/plain"]);
        assert.match(await response.text(), /^authentik_outpost_shm_sweep_errors_total 0$/m);
        assert.equal((await fetchMetrics(port, "")).status, 404);
      });

      it("has one process more at most for 300 requests that are never finished, sweeps on, and serves again", async () => {
        const { child, events } = start();
        await events("sweep", 1);
        const before = descendantsOf(child.pid!).length;
        const sockets = Array.from({ length: 300 }, () => connect(port, "127.0.0.1").on("error", () => {}));
        for (const socket of sockets) socket.write("GET /metrics.txt HTTP/1.1\r\n");
        const first = swept();
        let most = 0;
        await until("three sweeps", () => {
          most = Math.max(most, descendantsOf(child.pid!).filter(({ name }) => name === "httpd").length);
          return swept() >= first + 3;
        });
        sockets.forEach((socket) => socket.destroy());
        assert.ok(most <= 1, `${most} servers, ${before} processes before`);
        assert.equal((await fetchMetrics(port)).status, 200);
      });
    }
  });
}
