import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { coverage, fields, report, shells, sweepText, type Result } from "../../../sandbox/cleaner/shells";
import { mountTmpfs, type Tmpfs } from "../../../sandbox/cleaner/tmpfs";
import { goName, goSession, rustName, rustSession } from "../../../sandbox/sessionFormats";
import { hour, login, longVisit, minute, numbers, Scene, visit } from "./scenes";

/** Lists the names of the sessions with these numbers, except the last, in the order of a directory. */
const names = (from: number, to: number): string[] => numbers(from, to).map(goName).sort();
const now = (): number => Math.floor(Date.now() / 1000);

/** Changes the type of the keys in a Go session. */
function withOtherKeys(session: string): string {
  const [date, gob = "", mac] = Buffer.from(session, "base64").toString("latin1").split("|");
  const bytes = Buffer.from(gob, "base64");
  bytes[(bytes[0] ?? 0) - 4] = 12;
  return Buffer.from([date, bytes.toString("base64url"), mac].join("|")).toString("base64url");
}

for (const shell of shells) {
  describe(`a sweep on ${shell.name}${coverage}`, function () {
    this.timeout(180_000);

    let tmpfs: Tmpfs;
    let scene: Scene;
    before(async () => {
      tmpfs = await mountTmpfs({ size: "4m" });
    });
    after(() => tmpfs.unmount());
    beforeEach(() => {
      scene = new Scene(tmpfs, shell, sweepText);
    });

    const save = (...file: Parameters<Scene["save"]>): void => scene.save(...file);
    const left = (): string[] => scene.left();
    /** Sweeps with an anonymous age of an hour, unless another setting says otherwise. */
    const sweep = (args: string[] = [], env: Record<string, string> = {}): Promise<Result> =>
      scene.sweep(args, { env });

    describe("judges", () => {
      const redirect = (length: number) =>
        goSession({ holds: ["redirect"], url: `https://a.example/${"p".repeat(length)}` });
      const later = () => now() + hour;
      const visits: Record<string, () => string> = {
        "Go, just begun": () => goSession({ holds: [] }),
        "Go, a URL of 40": () => redirect(40),
        "Go, a URL of 800": () => redirect(800),
        "Go, a URL of 2,000": () => redirect(2000),
        "Go, older ids": () => goSession({ holds: ["redirect"], firstId: 65 }),
        "Rust, expires later": () => rustSession({ expires: later(), login: false }),
        "Rust, a URL that reads like a login": () =>
          rustSession({ expires: later(), login: false, url: 'https://a.example/?"claims":{"sub":"x"}' }),
      };
      const logins: Record<string, () => string> = {
        "Go, no group": () => goSession({ holds: ["claims"], groups: 0 }),
        "Go, 100 groups": () => goSession({ holds: ["claims"], groups: 100 }),
        "Go, with a URL after": () => goSession({ holds: ["claims", "redirect"] }),
        "Go, older ids": () => goSession({ holds: ["claims"], firstId: 65 }),
        "Go, the type's older name": () =>
          goSession({ holds: ["claims"], typeName: "goauthentik.io/internal/outpost/proxyv2/application.Claims" }),
        "Rust, without its own end": () => `{"data":{"claims":{"sub":"${"a".repeat(64)}"}}}`,
        "in doubt: Go, a map of other keys": () => withOtherKeys(longVisit),
        "in doubt: another text": () => "something else\n",
        "in doubt: bytes": () => "\0\u0001\u0002session",
      };
      const lasting: Record<string, () => string> = {
        Rust: () => rustSession({ expires: later(), login: true }),
        "Rust, a URL that reads like a visit": () =>
          rustSession({ expires: later(), login: true, url: 'https://a.example/?"claims":null' }),
        "Rust, spelled with spaces": () =>
          JSON.stringify({ expires: later(), data: { claims: { sub: "x" } } }, null, 1),
        "in doubt: a Rust session without claims": () => `{"expires":${later()},"data":{}}`,
      };
      // A small file with a Go outpost's name is not read (see below).
      const nameOf = (content: string, n: number) => (content.length > 400 ? goName(n) : rustName(n));
      for (const [state, contents, maxAge] of [
        ["anonymous", visits, hour],
        ["authenticated", logins, 24 * hour],
      ] as const)
        for (const [name, content] of Object.entries(contents)) {
          it(`keeps a session that is ${state} until its age, and no longer: ${name}`, async () => {
            save(nameOf(content(), 1), content(), maxAge + 2);
            save(nameOf(content(), 2), content(), maxAge - 5);
            const said = report(await sweep());
            assert.deepEqual(left(), [nameOf(content(), 2)]);
            assert.deepEqual([said.removed, said[`expired_${state}`], said.errors], ["1", "1", "0"]);
          });
        }

      for (const [name, content] of Object.entries(lasting)) {
        it(`keeps an authenticated one past that age as long as it says itself: ${name}`, async () => {
          const ended = content().replace(/\d{10}/, String(now() - 1));
          save(rustName(1), content(), 72 * hour);
          save(rustName(2), ended);
          const said = report(await sweep());
          assert.deepEqual(left(), [rustName(1)]);
          assert.deepEqual([said.removed, said.expired_authenticated, said.errors], ["1", "1", "0"]);
          for (const [value, removed] of Object.entries({ "": "0", 0: "0", 1: "1" }))
            assert.equal(report(await sweep([`AGES_ONLY=${value}`])).expired_authenticated, removed);
        });
      }

      it("removes nobody's session before its day is over, by default", async () => {
        for (const [n, content] of [visit, longVisit, login].entries()) {
          save(goName(n), content, 24 * hour - 30);
          save(goName(10 + n), content, 24 * hour + 2);
        }
        const said = report(await sweep([], { ANONYMOUS_MAX_AGE_SECONDS: "" }));
        assert.deepEqual(left(), names(0, 3));
        assert.deepEqual([said.expired_anonymous, said.expired_authenticated], ["2", "1"]);
      });

      it("judges each file by itself, in several batches of several kinds", async () => {
        const ended = rustSession({ expires: now() - 1, login: true });
        for (let n = 0; n < 450; n++) {
          if (n < 50) save(goName(n), visit, n);
          if (n < 50) save(rustName(1000 + n), rustSession({ expires: later(), login: true }));
          save(rustName(n), ended);
          save(goName(2000 + n), "", hour);
          if (n < 420) save(goName(1000 + n), visit, 2 * hour);
        }
        const said = report(await sweep(["HIGH_WATERMARK_PERCENT=100"]));
        assert.deepEqual([said.expired_authenticated, said.expired_anonymous, said.debris], ["450", "420", "450"]);
        assert.deepEqual(left(), [...names(0, 50), ...Array.from({ length: 50 }, (_, n) => rustName(1000 + n))].sort());
      });

      it("knows a visit of a Go outpost by its name and at most 400 bytes; the smallest login is larger", async () => {
        const smallest = goSession({ holds: ["claims"], emptyClaims: true, typeName: "", url: "" });
        assert.equal(smallest.length, 696);
        save(goName(1), smallest, 2 * hour);
        const doubt = "x".repeat(400);
        const others = ["A".repeat(51), "A".repeat(53), "a".repeat(52)].map((id) => `session_${id}`);
        for (const name of [goName(2), ...others]) save(name, doubt, 2 * hour);
        save(goName(3), `${doubt}x`, 2 * hour);
        const said = report(await sweep());
        assert.deepEqual([said.removed, said.expired_anonymous], ["1", "1"]);
        assert.deepEqual(left(), [goName(1), goName(3), ...others].sort());
      });

      it("removes a visitor past its own expiry, too, whatever its mtime", async () => {
        save(rustName(1), rustSession({ expires: now() - 1, login: false }), -hour);
        assert.equal(report(await sweep()).expired_anonymous, "1");
        assert.deepEqual(left(), []);
      });

      it("removes debris older than five minutes: empty files and staging files", async () => {
        save(goName(1), "", 5 * minute + 2);
        save(goName(2), "", 4 * minute);
        save(".session_1.2.tmp", "{", 5 * minute + 2);
        save(".session_1.3.tmp", rustSession({ expires: now() - 1, login: true }), 4 * minute);
        save(".session_1.4.tmp", "", 5 * minute + 2);
        const said = report(await sweep());
        assert.deepEqual(left(), [".session_1.3.tmp", goName(2)]);
        assert.deepEqual([said.removed, said.debris], ["3", "3"]);
      });

      it("reports in a dry run what would go and why, or how many, and removes nothing", async () => {
        save(goName(1), visit, 2 * hour);
        save(goName(2), login, 48 * hour);
        save(goName(3), "", hour);
        save(goName(4), login, hour);
        const totals = await sweep(["DRY_RUN=2"]);
        assert.deepEqual([report(totals).removed, report(totals).dry_run], ["3", "1"]);
        assert.doesNotMatch(totals.stdout, /would_remove/);
        const result = await sweep(["DRY_RUN=1"]);
        assert.deepEqual([report(result).removed, report(result).dry_run], ["3", "1"]);
        assert.deepEqual(left(), [goName(1), goName(2), goName(3), goName(4)].sort());
        assert.deepEqual(
          [...result.stdout.matchAll(/^would_remove=.*$/gm)].map(String).sort(),
          [
            `would_remove=${goName(1)} state=anonymous reason=expired`,
            `would_remove=${goName(2)} state=authenticated reason=expired`,
            `would_remove=${goName(3)} state=debris reason=debris`,
          ].sort(),
        );
      });
    });

    it("prints one line, of these fields", async () => {
      save(goName(1), visit, 2 * hour);
      const { stdout } = await sweep();
      assert.match(stdout, /^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ event=sweep dir=\S+ [^\n]*\n$/);
      const said = fields(stdout);
      assert.ok(Math.abs(Date.parse(said.time ?? "") - Date.now()) < 30_000, said.time);
      assert.equal(Number(said.used_before_bytes) - Number(said.used_after_bytes), 4096);
      assert.equal(Number(said.inodes_before) - Number(said.inodes_after), 1);
      assert.deepEqual([said.total_bytes, said.total_inodes], [String(4 << 20), "200000"]);
    });

    describe("under pressure", () => {
      it("does nothing below the high watermark", async () => {
        for (let n = 0; n < 818; n++) save(goName(n), visit, 10 + n);
        const said = report(await sweep());
        assert.deepEqual([said.used_before_bytes, said.removed], [String(818 * 4096), "0"]);
        assert.equal(said.usage_before_percent, "79");
      });

      it("removes anonymous sessions, oldest first, until the low watermark", async () => {
        for (let n = 0; n < 820; n++) save(goName(n), visit, 10 + n);
        const said = report(await sweep());
        // 60 % of 1,024 pages are 614.4, so usage is not above it with 614.
        assert.deepEqual([said.usage_before_percent, said.pressure_anonymous, said.removed], ["80", "206", "206"]);
        assert.deepEqual(left(), names(0, 614));
      });

      it("keeps visitors younger than five seconds, and logins", async () => {
        for (let n = 0; n < 400; n++) save(goName(n), visit, 2);
        for (let n = 400; n < 800; n++) save(goName(n), login, 10 + n);
        for (let n = 800; n < 840; n++) save(goName(n), visit, 7);
        const said = report(await sweep());
        assert.deepEqual([said.pressure_anonymous, said.pressure_authenticated], ["40", "0"]);
        assert.equal(left().length, 800);
      });

      for (const [what, hold] of [
        ["logins", () => numbers(0, 830).forEach((n) => save(goName(n), login, 10 + n))],
        ["a file of somebody else's", () => save("foreign", "x".repeat(830 * 4096))],
      ] as const) {
        it(`keeps visitors below 95 % where ${what} alone would reach the high watermark`, async () => {
          hold();
          for (const n of numbers(900, 1000)) save(goName(n), n % 2 ? visit : longVisit, n);
          const before = left();
          const said = report(await sweep());
          assert.deepEqual([said.usage_before_percent, said.removed, left()], ["90", "0", before]);
        });

        it(`takes only as many there from 95 % on as bring it below that, oldest first, and a dry run names them`, async () => {
          hold();
          for (const n of numbers(850, 1000)) save(goName(n), n % 2 ? visit : longVisit, n);
          const dry = await sweep(["DRY_RUN=1"]);
          const said = report(await sweep());
          // 95 % of 1,024 pages are 972.8.
          assert.deepEqual([said.usage_before_percent, said.pressure_anonymous, said.removed], ["95", "8", "8"]);
          const gone = numbers(992, 1000).map(goName);
          assert.deepEqual(
            left().filter((name) => gone.includes(name)),
            [],
          );
          assert.deepEqual(
            [...dry.stdout.matchAll(/^would_remove=(\S+)/gm)].map(([, name]) => name).sort(),
            gone.sort(),
          );
        });
      }

      it("removes what is due by age first, and stops there if that is enough", async () => {
        for (let n = 0; n < 100; n++) save(goName(n), n % 2 ? visit : login, 48 * hour);
        for (let n = 100; n < 880; n++) save(goName(n), visit, 10 + n);
        const said = report(await sweep());
        assert.deepEqual([said.usage_before_percent, said.usage_after_percent, said.removed], ["85", "76", "100"]);
        assert.deepEqual([said.expired_anonymous, said.expired_authenticated], ["50", "50"]);
      });

      for (const [files, size, age] of [
        [10_240, "40m", (n: number) => 10 + n / 10],
        // Many files share a second, as in a flood. A second that has to go in part must not go whole.
        [25_600, "100m", (n: number) => 10 + n / 2000],
        [25_600, "100m", (n: number) => 10 + 3 * n],
      ] as const) {
        it(`is as exact in a full directory of ${files} files, ${Math.floor(age(files) / minute)} minutes old`, async () => {
          const large = await mountTmpfs({ size });
          try {
            scene = new Scene(large, shell, sweepText);
            const start = Date.now(); // saving them can take seconds
            const ageNow = (n: number) => age(n) + (Date.now() - start) / 1000;
            for (let n = 0; n < files; n++) save(goName(n), n % 10 ? visit : login, ageNow(n));
            const said = report(await sweep(["ANONYMOUS_MAX_AGE_SECONDS=86400"]));
            assert.deepEqual([said.usage_before_percent, said.removed], ["100", String(files * 0.4)]);
            assert.equal(said.pressure_anonymous, said.removed);
            const there = new Set(left());
            const visits = Array.from({ length: files }, (_, n) => n).filter((n) => n % 10);
            const oldestLeft = Math.max(...visits.filter((n) => there.has(goName(n))));
            const youngestGone = Math.min(...visits.filter((n) => !there.has(goName(n))));
            const apart = age(oldestLeft) - age(youngestGone);
            assert.ok(
              apart <= 1 + age(oldestLeft) / 512,
              `one of ${age(oldestLeft)} s stayed, one ${apart} s younger went`,
            );
          } finally {
            await large.unmount();
          }
        });
      }

      it("removes logins, oldest first, only when no visitor is left and usage is at 95 %, and says so", async () => {
        for (let n = 0; n < 980; n++) save(goName(n), login, 10 + n);
        for (let n = 980; n < 990; n++) save(goName(n), visit, 7);
        for (let n = 990; n < 1000; n++) save(goName(n), visit);
        const result = await sweep();
        const said = report(result);
        // 95 % of 1,024 pages are 972.8. Once the ten young visitors are gone too, the 8 oldest logins are too many.
        assert.deepEqual([said.pressure_anonymous, said.pressure_authenticated], ["10", "8"]);
        assert.deepEqual(left(), [...names(0, 972), ...names(990, 1000)].sort());
        const warning =
          'logins_removed level=warning count=8 reason="usage at or above 95 % and too few anonymous sessions left"';
        assert.ok(result.stdout.includes(` event=${warning}\n`), result.stdout);
      });

      it("removes no login where visitors too young to go make room enough in a moment", async () => {
        for (let n = 0; n < 100; n++) save(goName(n), login, 10 + n);
        for (let n = 100; n < 1020; n++) save(goName(n), visit);
        const said = report(await sweep());
        assert.deepEqual([said.usage_before_percent, said.removed], ["99", "0"]);
      });

      it("keeps logins at 94 %", async () => {
        for (let n = 0; n < 970; n++) save(goName(n), login, 10 + n);
        assert.deepEqual(report(await sweep()).removed, "0");
      });

      it("removes young empty files too: they hold inodes", async () => {
        for (let n = 0; n < 820; n++) save(goName(n), n < 810 ? login : visit, 10 + n);
        save(goName(900), "", 8);
        save(goName(901), "");
        const said = report(await sweep());
        assert.deepEqual([said.pressure_debris, said.pressure_anonymous], ["1", "10"]);
        assert.ok(!left().includes(goName(900)) && left().includes(goName(901)));
      });

      it("says in a dry run what would go, the last resort included", async () => {
        for (let n = 0; n < 980; n++) save(goName(n), login, 10 + n);
        const result = await sweep(["DRY_RUN=1"]);
        assert.deepEqual(report(result).dry_run, "1");
        assert.equal(result.stdout.match(/would_remove=\S+ state=authenticated reason=pressure/g)?.length, 8);
        assert.equal(left().length, 980);
      });
    });

    describe("settings", () => {
      const file = (): string => join(scene.metrics, "settings");
      const withFile = (lines: string, env: Record<string, string> = {}, args: string[] = []) => {
        writeFileSync(file(), lines);
        return sweep(args, { SETTINGS_FILE: file(), ...env });
      };
      const all = {
        SWEEP_INTERVAL_SECONDS: 60,
        ANONYMOUS_MAX_AGE_SECONDS: 3600,
        AUTHENTICATED_MAX_AGE_SECONDS: 86400,
        HIGH_WATERMARK_PERCENT: 80,
        LOW_WATERMARK_PERCENT: 60,
      };
      const set = (some: Partial<Record<keyof typeof all, string | number>> = {}) =>
        Object.entries({ ...all, ...some })
          .map((pair) => pair.join("="))
          .join("\n");
      const hundred = { ANONYMOUS_MAX_AGE_SECONDS: "100" };
      const complaints = ({ stderr }: Result) => stderr.split("\n").map((line) => line.replace(/^time=\S+ /, ""));

      const withoutFile = (env: Record<string, string>) => sweep([], { SETTINGS_FILE: file(), ...env });
      for (const [how, result, age = 100] of [
        ["come from an argument", () => sweep(["ANONYMOUS_MAX_AGE_SECONDS=100"])],
        ["come from the environment", () => sweep([], hundred)],
        ["come from the file", () => withFile(set(hundred))],
        ["come from the file, its last line without an end", () => withFile(`# comment\n\n${set(hundred)}`)],
        [
          "come from the file, not the environment",
          () => withFile(set(hundred), { ANONYMOUS_MAX_AGE_SECONDS: "9999" }),
        ],
        ["come from an argument, not the file", () => withFile(set(), {}, ["ANONYMOUS_MAX_AGE_SECONDS=100"])],
        [
          "are the last good ones while the file is gone",
          () => withoutFile({ LAST_GOOD: "ANONYMOUS_MAX_AGE_SECONDS=100" }),
        ],
        [
          "are the built-in ones if there has been no file yet",
          () => withoutFile({ ANONYMOUS_MAX_AGE_SECONDS: "" }),
          24 * hour,
        ],
      ] as [string, () => Promise<Result>, number?][]) {
        it(how, async () => {
          save(goName(1), visit, age + 2);
          save(goName(2), visit, age - 10);
          assert.equal(report(await result()).removed, "1");
          assert.deepEqual(left(), [goName(2)]);
        });
      }

      for (const value of "|-1|0|1.5|09|1e3|60m|99999999999|$(touch hacked)|`id`|a b|8*".split("|")) {
        it(`keep the last good value instead of ${JSON.stringify(value)}, and say so`, async () => {
          save(goName(1), visit, 102);
          const result = await withFile(set({ ANONYMOUS_MAX_AGE_SECONDS: value }), {
            LAST_GOOD: "ANONYMOUS_MAX_AGE_SECONDS=100",
          });
          assert.equal(result.status, 0);
          assert.deepEqual(left(), []);
          const shown = value.replace(/[^A-Za-z0-9_./:,%=+()'-]/g, " ");
          assert.deepEqual(complaints(result), [
            `event=setting_ignored source=settings_file key=ANONYMOUS_MAX_AGE_SECONDS value="${shown}" ` +
              'expected="a whole number from 1 to 31536000" kept="100"',
            "",
          ]);
        });
      }

      it("are not what an argument of another name gives: that may be a mistyped DRY_RUN, and nothing is removed", async () => {
        save(goName(1), visit, 48 * hour);
        const result = await sweep(["DRYRUN=1"]);
        assert.equal(result.status, 1);
        assert.deepEqual(left(), [goName(1)]);
        assert.deepEqual(complaints(result), [
          `event=sweep_failed dir=${scene.dir} error="unknown argument: DRYRUN"`,
          "",
        ]);
      });

      it("say which are missing in the file, and keep the last good ones", async () => {
        save(goName(1), visit, 102);
        const lines = set().replace(/ANONYMOUS.*\n/, "");
        const result = await withFile(lines, { LAST_GOOD: "ANONYMOUS_MAX_AGE_SECONDS=100" });
        assert.deepEqual(left(), []);
        assert.deepEqual(complaints(result), [
          "event=setting_missing source=settings_file key=ANONYMOUS_MAX_AGE_SECONDS kept=100",
          "",
        ]);
      });

      for (const [LAST_GOOD, kept] of [
        ["", "60/80"],
        ["HIGH_WATERMARK_PERCENT=30 LOW_WATERMARK_PERCENT=20", "20/30"],
      ])
        it(`take the watermarks as a pair, else ${kept}`, async () => {
          const lines = set({ HIGH_WATERMARK_PERCENT: 50, LOW_WATERMARK_PERCENT: 50 });
          assert.deepEqual(complaints(await withFile(lines, { LAST_GOOD })), [
            "event=setting_ignored key=LOW_WATERMARK_PERCENT value=50 " +
              `expected="less than HIGH_WATERMARK_PERCENT (50)" kept=${kept}`,
            "",
          ]);
        });
    });

    describe("metrics", () => {
      const read = () => readFileSync(join(scene.metrics, "metrics.txt"), "utf8");
      const samples = () =>
        Object.fromEntries(
          [...read().matchAll(/^authentik_outpost_shm_(\S+) (\S+)$/gm)].map(([, name = "", value]) => [name, value]),
        ) as Record<string, string>;

      it("tell of the directory as the sweep leaves it", async () => {
        save(goName(1), visit, 2 * hour);
        save(goName(2), visit, 50 * minute);
        save(goName(3), login);
        save(goName(4), login, 2 * hour);
        save(goName(5), "", minute);
        const said = report(await sweep());
        const {
          oldest_session_age_seconds: oldest,
          last_sweep_timestamp_seconds: last,
          last_sweep_duration_seconds: took,
          ...rest
        } = samples();
        assert.ok(Math.abs(Number(oldest) - 2 * hour) <= 2, oldest);
        assert.ok(Math.abs(Number(last) - now()) <= 5, last);
        assert.match(took ?? "", /^\d+\.\d{3}$/);
        assert.deepEqual(rest, {
          size_bytes: String(4 << 20),
          used_bytes: said.used_after_bytes,
          inodes_used: said.inodes_after,
          'session_files{state="anonymous"}': "1",
          'session_files{state="authenticated"}': "2",
          'session_files{state="debris"}': "1",
          'removed_files_total{state="debris",reason="debris"}': "0",
          'removed_files_total{state="debris",reason="pressure"}': "0",
          'removed_files_total{state="anonymous",reason="expired"}': "1",
          'removed_files_total{state="anonymous",reason="pressure"}': "0",
          'removed_files_total{state="authenticated",reason="expired"}': "0",
          'removed_files_total{state="authenticated",reason="pressure"}': "0",
          sweep_errors_total: "0",
        });
      });

      it("are in the text format: each with its help and type before it", async () => {
        report(await sweep());
        const names = new Set<string>();
        for (const line of read().trimEnd().split("\n")) {
          const [, name] = /^# HELP (\w+) \S/.exec(line) ?? /^# TYPE (\w+) (?:gauge|counter)$/.exec(line) ?? [];
          if (name) names.add(name);
          else assert.ok(names.has(/^(\w+)(?:\{[^}]*\})? [\d.]+$/.exec(line)?.[1] ?? ""), line);
        }
        assert.equal(names.size, 9);
      });

      it("count on from the last sweep", async () => {
        for (const n of [1, 2, 3]) {
          save(goName(n), visit, 2 * hour);
          report(await sweep());
          assert.equal(samples()['removed_files_total{state="anonymous",reason="expired"}'], String(n));
        }
      });

      it("survive a counter that is no number", async () => {
        writeFileSync(join(scene.metrics, "metrics.txt"), "authentik_outpost_shm_sweep_errors_total $(id)\n");
        report(await sweep());
        assert.equal(samples().sweep_errors_total, "0");
      });

      it("count a sweep that failed, and leave the time of the last good one out", async () => {
        const result = await sweep(["SHM_DIR=/nowhere/at/all"]);
        assert.equal(result.status, 1);
        assert.equal(samples().sweep_errors_total, "1");
        assert.equal(samples().last_sweep_timestamp_seconds, undefined);
      });

      for (const tool of ["find", "xargs"]) {
        it(`count a sweep in which ${tool} does not run to its end, and it says so`, async () => {
          for (const n of [1, 2, 3]) save(goName(n), visit, 2 * hour);
          const text = `${tool}() { command ${tool} "$@" | sed 1q; }\n${sweepText}`;
          const { status, stdout, stderr } = await scene.sweep([], { text });
          assert.deepEqual([status, stdout, samples().sweep_errors_total], [1, "", "1"]);
          const error = "the sessions could not be walked through to the end";
          assert.match(stderr, new RegExp(`^time=\\S+ event=sweep_failed dir=\\S+ error="${error}"\\n$`));
        });
      }

      it("are not touched by a dry run", async () => {
        report(await sweep(["DRY_RUN=1"]));
        assert.deepEqual(readdirSync(scene.metrics), []);
      });

      it("tell of the loop's own sweeps when, also after one from outside", async () => {
        const notes = { LOOP_NOTES: join(tmpfs.dir, "notes") };
        await sweep([], notes);
        const { last_sweep_timestamp_seconds: last } = samples();
        const old = readFileSync(join(scene.metrics, "metrics.txt"), "utf8").replaceAll(String(last), "1700000000");
        writeFileSync(join(scene.metrics, "metrics.txt"), old);
        save(goName(1), visit, 2 * hour);
        await sweep();
        const fromOutside = samples();
        assert.equal(fromOutside.last_sweep_timestamp_seconds, "1700000000");
        assert.equal(fromOutside['removed_files_total{state="anonymous",reason="expired"}'], "1");
        await sweep([], notes);
        assert.ok(Number(samples().last_sweep_timestamp_seconds) >= Number(last));
      });

      it("that can not be written are said, and the sweep is done", async () => {
        save(goName(1), visit, 2 * hour);
        const { status, stderr } = await sweep(["METRICS_DIR=/nowhere/at/all"]);
        assert.equal(status, 0);
        assert.match(stderr, / event=metrics_not_written dir=\/nowhere\/at\/all$/m);
        assert.deepEqual(left(), []);
      });

      it("stay as they were where there is no space for new ones", async () => {
        await sweep();
        const before = read();
        const filler = join(scene.metrics, "filler");
        assert.throws(() => writeFileSync(filler, Buffer.alloc(64 * 1024 * 1024)), { code: "ENOSPC" });
        try {
          const { status, stderr } = await sweep();
          assert.equal(status, 0);
          assert.match(stderr, / event=metrics_not_written dir=/);
          assert.equal(read(), before);
          assert.deepEqual(readdirSync(scene.metrics).sort(), ["filler", "metrics.txt"]);
        } finally {
          rmSync(filler);
        }
      });
    });

    it("only counts with COUNT_ONLY=1, whatever is due, and writes nothing", async () => {
      for (const n of [1, 2, 3]) save(goName(n), visit, 48 * hour - n);
      save(goName(4), login, 48 * hour);
      save(rustName(5), rustSession({ expires: now() - hour, login: true }), hour);
      save(goName(6), "", hour);
      save("theirs", "x", 72 * hour);
      const before = left();
      const pressing = ["HIGH_WATERMARK_PERCENT=2", "LOW_WATERMARK_PERCENT=1"];
      const { status, stdout, stderr } = await sweep([...pressing, "COUNT_ONLY=1"]);
      assert.deepEqual([status, stderr, left(), readdirSync(scene.metrics)], [0, "", before, []]);
      const { time, total_inodes, oldest_age_seconds, ...counted } = fields(stdout);
      assert.ok(time && Number(total_inodes) > 0);
      assert.ok(Math.abs(Number(oldest_age_seconds) - 48 * hour) <= 5, oldest_age_seconds);
      assert.deepEqual(counted, {
        event: "count",
        dir: scene.dir,
        used_bytes: String(6 * 4096), // the empty file holds no page
        total_bytes: String(4 * 1024 * 1024),
        inodes: String(7 + 4), // and the tmpfs's own folders
        anonymous: "3",
        authenticated: "2",
        debris: "1",
        young_logins: "0",
      });
      for (const n of [7, 8]) save(goName(n), login, hour - 30);
      save(rustName(9), rustSession({ expires: now() + hour, login: true }));
      assert.equal(fields((await sweep(["COUNT_ONLY=1"])).stdout).young_logins, "2");
    });
  });
}
