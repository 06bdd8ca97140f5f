import assert from "node:assert/strict";
import { readFileSync, rmSync, statfsSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { changed, fields, programPath, report, type Result } from "../../../sandbox/cleaner/shells";
import { goName, goSession, rustName, rustSession, type GoSession } from "../../../sandbox/sessionFormats";
import {
  day,
  describeScenarios,
  hour,
  login,
  longVisit,
  minute,
  numbers,
  visit,
  type Scenario,
  type Scene,
} from "./scenes";

const mebibyte = 1 << 20;
const memory = (bytes: number) => [programPath("prlimit"), `--as=${bytes}:`, "--"];

/** Has the sweep note how many files it reads. Returns its text, and the sum. */
function countingReads({ outside, text }: Scene): { text: string; reads: () => number } {
  const file = join(outside, "reads");
  const start = 'if (!(waiting = size_of["read"])) return\n';
  const counts = () => readFileSync(file, "utf8").trim().split("\n");
  return {
    text: changed(text, start, `${start}  print waiting >>"${file}"; close("${file}")\n`),
    reads: () => counts().reduce((sum, count) => sum + Number(count), 0),
  };
}

/** A visit whose file has about this size. Base64 is applied twice, and makes 16 bytes of 9. */
const visitOf = (bytes: number) => goSession({ holds: ["redirect"], url: "é".repeat((bytes * 9) / 32) });

/** Counts the sessions that are there, and removes them. */
async function counted(scene: Scene): Promise<unknown[]> {
  const { status, stdout, stderr } = await scene.sweep(["COUNT_ONLY=1"]);
  assert.deepEqual([status, stderr], [0, ""]);
  for (const name of scene.left()) rmSync(join(scene.dir, name));
  const { anonymous, authenticated, debris } = fields(stdout);
  return [anonymous, authenticated, debris].map(Number);
}

/** Texts that a visitor may try to be taken for a login with, to be repeated up to a length. */
const forgeries = [
  "p",
  "claims",
  "goauthentik.io/internal/outpost/proxyv2/types.Claims",
  "string\f\b\0\u0006claims",
  "\u0006string\f\n\0\bredirect\u0006string\f",
  '"claims":{"sub":"',
  "EQWdBQm1Oc1lXbHRj",
];
// An address of 262 bytes or so makes a message whose length has a byte 6, gob's mark of a string. The others reach 3 bytes.
const lengths = [...numbers(0, 601), ...numbers(65_490, 65_550), ...numbers(524_250, 524_262)];
const addresses = forgeries.flatMap((text, kind) =>
  lengths
    .slice(0, kind < 2 ? lengths.length : 601)
    .map((length) => text.repeat(length / text.length + 1).slice(0, length)),
);

/** The sweep, with sessions removed once it has looked at the usage and guessed. */
const removing = (scene: Scene, from: number, to: number): string =>
  changed(scene.text, "  walk guess\n", `  walk guess\n  rm ${numbers(from, to).map(goName).join(" ")}\n`);

const scenarios: Record<string, Scenario> = {
  "one line of 30 MB, with memory for a pod's": {
    tmpfs: { size: "100m" },
    guard: ["head -v -c 64", "head -v -c 99999999"],
    async act(scene) {
      scene.save(goName(1), visitOf(30 * mebibyte), 2 * hour);
      scene.save(goName(2), "x".repeat(30 * mebibyte), 2 * hour);
      for (const n of numbers(3, 1000)) scene.save(goName(n), n % 2 ? longVisit : login, 2 * hour);
      const said = report(await scene.sweep([], { as: memory(32 * mebibyte) }));
      assert.deepEqual([said.removed, said.expired_anonymous, said.errors], ["500", "500", "0"]);
      assert.equal(scene.left().length, 499);
    },
  },

  "visits with long addresses under pressure": {
    tmpfs: { size: "80m" },
    guard: ["file_bytes = file_inodes * blocks * 512", "file_bytes = file_inodes * 4096"],
    async act(scene) {
      const logins = numbers(0, 100).map(goName);
      for (const name of logins) scene.save(name, login, minute);
      const [large, largest] = [visitOf(44_000), visitOf(5.6 * mebibyte)];
      const visits = numbers(0, 310).map((n) => {
        const [age, content] = n < 300 ? [100 + 3 * n, large] : [101.5 + 99 * (n - 300), largest];
        return { name: goName(100 + n), age, content };
      });
      for (const { name, content } of visits) scene.save(name, content);
      for (const { name, age } of visits) scene.age(join(scene.dir, name), age);
      const said = report(await scene.sweep([], { as: memory(32 * mebibyte) }));
      assert.deepEqual([said.usage_before_percent, said.pressure_authenticated, said.errors], ["86", "0", "0"]);
      assert.ok(Number(said.duration_ms) < 5000, said.duration_ms);
      let over = Number(said.used_before_bytes) - 0.6 * 80 * mebibyte;
      visits.sort((a, b) => b.age - a.age);
      while (over > 0) over -= Math.ceil((visits.shift()?.content.length ?? NaN) / 4096) * 4096;
      assert.deepEqual(scene.left(), [...logins, ...visits.map(({ name }) => name)].sort());
    },
  },

  "visits under pressure that have to be read": {
    // Each is read once, so that the first goes before the last is read.
    guard: ['else if (mode == "guess") judge("unread")', 'else if (0) judge("unread")'],
    async act(scene) {
      const { text, reads } = countingReads(scene);
      for (const n of numbers(0, 820)) scene.save(goName(n), longVisit, 10 + n);
      const said = report(await scene.sweep([], { text }));
      assert.deepEqual([said.usage_before_percent, said.pressure_anonymous], ["80", "206"]);
      assert.equal(reads(), 820);
    },
  },

  "a few logins that are older than all visitors under pressure": {
    guard: ["(high - low) / 10", "0"],
    async act(scene) {
      for (const n of numbers(0, 820)) scene.save(goName(n), n < 810 ? visit : login, 10 + n);
      const said = report(await scene.sweep());
      assert.deepEqual([said.usage_after_percent, said.removed], ["60", "196"]); // 206 without the logins, in a third walk
    },
  },

  "logins that are older than all visitors under pressure": {
    guard: ['|| [ -z "$visitor$login" ] || walk sweep', "|| :"],
    async act(scene) {
      for (const n of numbers(0, 820)) scene.save(goName(n), n < 500 ? longVisit : login, 10 + n);
      const said = report(await scene.sweep());
      assert.deepEqual([said.pressure_anonymous, said.pressure_authenticated, said.removed], ["206", "0", "206"]);
      assert.deepEqual(scene.left(), [...numbers(0, 294), ...numbers(500, 820)].map(goName).sort());
    },
  },

  "visitors that a guess takes for enough, where logins hold the room": {
    guard: ['!visitors_suffice() ? "urgent" : kind', '0 ? "urgent" : kind'],
    async act(scene) {
      for (const n of numbers(0, 900)) scene.save(goName(n), n % 20 ? login : longVisit, 10 + n);
      const said = report(await scene.sweep());
      assert.deepEqual([said.usage_before_percent, said.removed], ["87", "0"]);
    },
  },

  "visitors that a guess takes for too many, where usage is urgent": {
    guard: ['? low : login_percent, "urgent"', '? low : low, "urgent"'],
    async act(scene) {
      for (const n of numbers(0, 1000)) scene.save(goName(n), n % 8 ? login : longVisit, 10 + n);
      const said = report(await scene.sweep());
      assert.deepEqual([said.usage_before_percent, said.pressure_anonymous, said.removed], ["97", "28", "28"]);
      const gone = numbers(0, 1000)
        .filter((n) => n % 8 === 0)
        .slice(-28);
      assert.equal(gone.filter((n) => scene.left().includes(goName(n))).length, 0);
    },
  },

  "a flood of visits that have to be read, where usage is urgent": {
    // They go down to the low watermark as soon as enough of them are known, and are not read again.
    guard: ['kind == "visitor" && !visitors_suffice()', 'kind == "visitor"'],
    async act(scene) {
      const { text, reads } = countingReads(scene);
      for (const n of numbers(0, 1000)) scene.save(goName(n), longVisit, 10 + n);
      const said = report(await scene.sweep(["HIGH_WATERMARK_PERCENT=94"], { text }));
      assert.deepEqual([said.usage_before_percent, said.removed], ["97", said.pressure_anonymous]);
      assert.ok(["60", "61", "62"].includes(said.usage_after_percent ?? ""), said.usage_after_percent);
      assert.equal(reads(), 1000);
    },
  },

  "inodes that logins hold": {
    tmpfs: { inodes: 500, size: "40m" },
    guard: ["&& above(high, staying_inodes, total_inodes) < 0", ""],
    async act(scene) {
      // The tmpfs's own folders and the metrics hold some as well.
      const used = 500 - statfsSync(scene.dir).ffree;
      for (const n of numbers(0, 410)) scene.save(goName(n), login, 10 + n);
      for (const n of numbers(410, 485 - used)) scene.save(goName(n), visit, 10 + n);
      for (const args of [["DRY_RUN=2"], []]) {
        const said = report(await scene.sweep(args));
        assert.deepEqual([said.usage_before_percent, said.pressure_anonymous, said.removed], ["97", "10", "10"]);
      }
    },
  },

  "visitors that somebody else removes during a sweep": {
    guard: ['[ "$usage" -lt "$LOW_WATERMARK_PERCENT" ] || [ -z', "[ -z"],
    async act(scene) {
      for (const n of numbers(0, 820)) scene.save(goName(n), visit, 10 + n);
      const said = report(await scene.sweep([], { text: removing(scene, 520, 820) }));
      assert.deepEqual([said.usage_after_percent, said.removed], ["50", "0"]);
    },
  },

  "logins that somebody else removes during a sweep": {
    guard: ["[ \"$usage\" -ge $LOGIN_PERCENT ] || login=''", ":"],
    async act(scene) {
      for (const n of numbers(0, 1000)) scene.save(goName(n), login, 10 + n);
      const said = report(await scene.sweep([], { text: removing(scene, 0, 100) }));
      assert.deepEqual([said.usage_after_percent, said.removed], ["87", "0"]);
    },
  },

  "visitors that could not be read, before logins go": {
    guard: ['mode == "guess" || unfinished', 'mode == "guess"'],
    async act(scene) {
      for (const n of numbers(0, 1000)) scene.save(goName(n), n < 990 ? login : longVisit, 10 + n);
      const small = changed(scene.text, "READ_BATCH = 100000", "READ_BATCH = 1000");
      const text = changed(small, 'run("timeout "', 'run((++reads == 1 ? "false " : "timeout ")');
      const { stdout } = await scene.sweep([], { text });
      const { pressure_authenticated, errors, problem } = fields(stdout);
      assert.deepEqual([pressure_authenticated, errors, problem], ["0", "1", "files could not be read"]);
    },
  },

  "files of the outpost's uid that are no sessions inside": {
    async act(scene) {
      for (const name of ["session_sparse", goName(1)]) {
        scene.save(name, "");
        truncateSync(join(scene.dir, name), 8 * 1024 * mebibyte);
      }
      for (const name of ["session_lines", goName(2)]) scene.save(name, "\n".repeat(mebibyte / 2));
      for (const n of numbers(3, 500)) scene.save(goName(n), n % 2 ? longVisit : login, 2 * hour);
      const said = report(await scene.sweep(["HIGH_WATERMARK_PERCENT=100"], { as: memory(32 * mebibyte) }));
      assert.deepEqual([said.expired_anonymous, said.removed, said.errors], ["249", "249", "0"]);
      assert.ok(Number(said.duration_ms) < 5000, said.duration_ms);
    },
  },

  "a FIFO and a link that take the places of sessions before they are read": {
    guard: ['"timeout " read_limit " head', '"head'],
    async act(scene) {
      scene.save("session_target", longVisit, 2 * hour, scene.outside);
      const start = 'if (!(waiting = size_of["read"])) return\n';
      const [fifo, link] = [goName(1), goName(2)];
      const swap = `rm ${fifo} ${link}; mkfifo ${fifo}; ln -s ../outside/session_target ${link}`;
      const swapped = changed(scene.text, start, `${start}  if (!swapped++) system("${swap}")\n`);
      const text = changed(swapped, "READ_LIMIT=10 ", "READ_LIMIT=2 ");
      const as = [programPath("timeout"), "-s", "KILL", "8"];
      // Those to be read are one batch, so that nothing is swapped before all are listed.
      for (const n of numbers(0, 900)) scene.save(goName(n), n < 350 ? longVisit : visit, 2 * day);
      const { status, stdout, stderr } = await scene.sweep([], { text, as });
      assert.deepEqual([status, stderr], [0, ""]);
      const said = fields(stdout);
      assert.deepEqual([said.errors, said.problem], ["1", "files could not be read"]);
      assert.ok(550 <= Number(said.removed) && Number(said.removed) <= 897, said.removed);
      assert.ok(Number(said.duration_ms) < 5000, said.duration_ms);
      // The next sweep sees what they are, and leaves them alone.
      report(await scene.sweep());
      assert.deepEqual([scene.left(), scene.left(scene.outside)], [[fifo, link].sort(), ["session_target"]]);
    },
  },

  "a session of which only a part could be read in time": {
    guard: ["if (i in was_read) judge", "if (1) judge"],
    async act(scene) {
      scene.save(rustName(1), rustSession({ expires: Math.floor(Date.now() / 1000) + hour, login: true }), 2 * day);
      const command = 'timeout " read_limit " head -v -c 64" take_all("read") " /dev/null';
      const part = `==> ./${rustName(1)} <==\n{"expires":17`.length;
      const text = changed(scene.text, command, `head -v -c 64" take_all("read") " /dev/null | head -c ${part}`);
      const said = report(await scene.sweep([], { text }));
      assert.deepEqual([said.removed, said.errors, said.problem], ["0", "1", "files could not be read"]);
    },
  },

  "a timeout that has no process left for itself": {
    guard: ['output[outputs] != "==> /dev/null <=="', "0"],
    async act(scene) {
      for (const n of numbers(0, 10)) scene.save(goName(n), n % 2 ? longVisit : "", 2 * hour);
      // busybox then fails with status 1, as head does if a file is gone.
      const text = changed(scene.text, '"timeout " read_limit', '"false " read_limit');
      const { status, stdout, stderr } = await scene.sweep([], { text });
      assert.deepEqual([status, stderr, scene.left().length], [0, "", 5]);
      const said = fields(stdout);
      assert.deepEqual([said.removed, said.errors, said.problem], ["5", "1", "files could not be read"]);
    },
  },

  "a file of somebody else's that fills the directory": {
    tmpfs: { size: "64m" },
    guard: ["<= all_login_bytes + 0 &&", "<= 1e99 &&"],
    async act(scene) {
      const foreign = (mebibytes: number) => scene.save("foreign", "x".repeat(mebibytes * mebibyte));
      for (const n of numbers(0, 400)) scene.save(goName(n), login, 10 + n);
      foreign(61);
      const said = report(await scene.sweep());
      assert.deepEqual([said.usage_before_percent, said.removed, said.errors], ["97", "0", "0"]);
      foreign(60);
      const { usage_before_percent, pressure_authenticated, used_after_bytes } = fields(
        (await scene.sweep()).stdout.split("\n")[1] ?? "",
      );
      // 95 % are 15,564.8 pages. The file has 15,360 of them, and the metrics one.
      assert.deepEqual([usage_before_percent, pressure_authenticated], ["96", "197"]);
      assert.equal(used_after_bytes, String(15_564 * 4096));
      assert.deepEqual(scene.left(), ["foreign", ...numbers(0, 203).map(goName)].sort());
    },
  },

  "files an hour ahead": {
    guard: ["if (age < -60 &&", "if (0 &&"],
    async act(scene) {
      for (const n of numbers(0, 1000)) scene.save(goName(n), n % 5 ? visit : login, -hour - n);
      for (const n of numbers(1000, 1010)) scene.save(goName(n), visit, minute);
      const times = () => numbers(0, 1000).map((n) => statSync(join(scene.dir, goName(n))).mtimeMs / 1000);
      const now = Date.now() / 1000;
      for (const way of ["DRY_RUN=1", "COUNT_ONLY=1"]) await scene.sweep([way]);
      assert.ok(Math.min(...times()) > now + hour - minute, "touched in a dry run or count");
      const first = report(await scene.sweep());
      // Of all visitors those that are older than five seconds go, and no login.
      assert.deepEqual([first.usage_before_percent, first.removed, first.pressure_anonymous], ["98", "10", "10"]);
      assert.ok(Math.min(...times()) > now - 2 && Math.max(...times()) < now + minute, "not touched");
      assert.equal(scene.left().length, 1000);
      for (const n of numbers(0, 1000)) scene.age(join(scene.dir, goName(n)), 10 + n);
      const later = report(await scene.sweep());
      // 614 pages are 60 %, and the metrics hold one of 1,001. Every fifth file is a login.
      assert.equal(later.pressure_anonymous, "387");
      const there = scene.left();
      const visits = numbers(0, 1000).filter((n) => n % 5);
      assert.deepEqual(
        numbers(0, 1000).filter((n) => !there.includes(goName(n))),
        visits.slice(-387),
      );
    },
  },

  "files an hour ahead in calm": {
    guard: ['touch -c -h --"', 'touch -c --"'],
    async act(scene) {
      const ahead = Date.now() / 1000 + hour;
      scene.save("session_target", visit, -hour, scene.outside);
      for (const [n, content] of [visit, login, longVisit, "", visit].entries())
        scene.save(goName(n), content, n % 2 ? -hour : -900 * day);
      const start = "function touch_future(   batch) {\n";
      const swap = `ln -sf ../outside/session_target ${goName(4)}`;
      const text = changed(scene.text, start, `${start}  system("${swap}")\n`);
      const said = report(await scene.sweep([], { text }));
      assert.deepEqual([said.removed, said.errors], ["0", "0"]);
      assert.equal(scene.left().length, 5);
      for (const n of numbers(0, 4))
        assert.ok(statSync(join(scene.dir, goName(n))).mtimeMs / 1000 < ahead - 50 * minute);
      // The target of a link is not touched.
      assert.ok(statSync(join(scene.outside, "session_target")).mtimeMs / 1000 > ahead - minute);
    },
  },

  "a settings file with keys that are not for it": {
    guard: ["argument:option)", "*:option)"],
    async act(scene) {
      scene.save(goName(1), visit, 2 * hour);
      const file = join(scene.outside, "settings");
      const keys = ["SHM_DIR METRICS_DIR", "COUNT_ONLY", "SHM_DIR", "METRICS_DIR", "DRY_RUN", "AGES_ONLY"];
      // Lines of no setting at all, none of which may run.
      const others = ["PATH=/nowhere", "rm -rf .", "IFS=x"];
      writeFileSync(file, [...keys.map((key) => `${key}=1`), ...others].join("\n"));
      const { status, stdout, stderr } = await scene.sweep([], { env: { SETTINGS_FILE: file } });
      assert.equal(status, 0);
      assert.deepEqual(
        stderr.match(/event=setting_ignored.*/g),
        [...keys, "PATH", "rm -rf .", "IFS"].map(
          (key) => `event=setting_ignored source=settings_file problem="unknown key" key="${key}"`,
        ),
      );
      assert.deepEqual([fields(stdout).removed, scene.left()], ["1", []]);
    },
  },

  "the first second of a machine": {
    guard: ["up_ms=$((${up%.*} * 1000 + 1${up#*.}0 - 1000))", "up_ms=${up%.*}${up#*.}0"],
    async act(scene) {
      writeFileSync(join(scene.outside, "uptime"), "0.89 1.00\n");
      const text = changed(scene.text, "2>/dev/null </proc/uptime", `2>/dev/null <${scene.outside}/uptime`);
      assert.equal(report(await scene.sweep([], { text })).duration_ms, "0"); // 890 is no number in a shell if it begins with 0
    },
  },

  "the year 2041": {
    guard: ["oldest=%.0f", "oldest=%d"],
    async act(scene) {
      const now = 2_250_000_000;
      for (const [n, age] of [10, 1000, 23 * hour, 25 * hour].entries()) {
        scene.save(goName(n), n % 2 ? login : longVisit);
        utimesSync(join(scene.dir, goName(n)), now - age, now - age);
      }
      const text = `date() { case $1 in +%s) echo ${now} ;; *) command date "$@" ;; esac; }\n${scene.text}`;
      const { oldest_age_seconds } = fields((await scene.sweep(["COUNT_ONLY=1"], { text })).stdout);
      assert.equal(oldest_age_seconds, String(25 * hour));
      const said = report(await scene.sweep(["ANONYMOUS_MAX_AGE_SECONDS=86400"], { text }));
      assert.deepEqual([said.removed, said.expired_authenticated, said.errors], ["1", "1", "0"]);
      const metrics = readFileSync(join(scene.tmpfs.dir, "metrics", "metrics.txt"), "utf8");
      assert.match(metrics, /^authentik_outpost_shm_oldest_session_age_seconds 82800$/m);
      assert.match(metrics, /^authentik_outpost_shm_last_sweep_timestamp_seconds 225000000\d$/m);
    },
  },

  "a hundred thousand files, with memory that is enough for 5,000": {
    tmpfs: { size: "16m", inodes: 120_000 },
    guard: ['; split("", judged) }', " }"],
    async act(scene) {
      // GNU find holds up to 100,000 names, but never more. So it alone has no limit. mawk never frees a command that
      // it has run, so it has none to run here.
      const dash = scene.shell.name.startsWith("dash");
      const free = `find() { ${programPath("prlimit")} --as=unlimited find "$@"; }\n`;
      const sweep = (limit: number): Promise<Result> =>
        scene.sweep(dash ? ["DRY_RUN=2"] : [], { text: dash ? free + scene.text : scene.text, as: memory(limit) });
      const create = (count: number) =>
        scene.tmpfs.enter(`cd shm; seq -f session_%06.0f ${count} | xargs touch -d '6 minutes ago'`);
      const succeeds = async (limit: number) => {
        create(5000);
        const { status, stdout } = await sweep(limit);
        return status === 0 && fields(stdout).debris === "5000";
      };
      let limit = 3 * mebibyte;
      while (!(await succeeds(limit))) limit += mebibyte / 2;
      create(100_000);
      const said = report(await sweep(limit + mebibyte));
      assert.deepEqual([said.usage_before_percent, said.debris, said.errors], ["83", "100000", "0"]);
    },
  },

  "addresses forged in every length": {
    tmpfs: { size: "400m" },
    guard: ["else for (n = 256 - byte[i++]; n > 0; n--)", "else for (n = 1; n > 0; n--)"],
    async act(scene) {
      const all = addresses.length;
      for (const holds of [["redirect"], ["redirect", "claims"], ["claims", "redirect"]] as GoSession["holds"][]) {
        for (const [n, url] of addresses.entries()) scene.save(rustName(n), goSession({ holds, url }));
        assert.deepEqual(await counted(scene), holds.length === 1 ? [all, 0, 0] : [0, all, 0]);
      }
    },
  },

  "sessions cut off by a full disk": {
    tmpfs: { size: "40m" },
    guard: ['? "anonymous" : "debris"', '? "anonymous" : "anonymous"'],
    async act(scene) {
      const url = "claims".repeat(5000);
      const cuts = numbers(1, 13).map((page) => page * 4096);
      const save = (content: string, age: number) => {
        assert.ok(content.length > 50_000);
        for (const [n, cut] of cuts.entries()) scene.save(goName(n), content.slice(0, cut), age);
      };
      save(goSession({ holds: ["redirect"], url }), 0);
      assert.deepEqual(await counted(scene), [0, 0, 12]);
      // The part that has the length of the address is cut off here, and the types of the claims there.
      save(goSession({ holds: ["redirect", "claims"], url }), 0);
      assert.deepEqual(await counted(scene), [0, 0, 12]);
      save(goSession({ holds: ["claims", "redirect"], url }), 0);
      assert.deepEqual(await counted(scene), [0, 12, 0]);
      save(goSession({ holds: ["redirect"], url }), 5 * minute - 10);
      assert.equal(report(await scene.sweep()).removed, "0");
      save(goSession({ holds: ["redirect"], url }), 5 * minute + 2);
      assert.deepEqual([report(await scene.sweep()).debris, scene.left()], ["12", []]);
    },
  },
};

// Only root can become a user without other processes.
if (process.getuid?.() === 0)
  scenarios["few processes left"] = {
    tmpfs: { size: "16m", asRoot: true },
    guard: ['[ "$listed" -eq 1 ] || fail', '[ "$listed" -eq 1 ] || :'],
    async act(scene) {
      scene.tmpfs.enter("chmod 777 shm metrics");
      const outcomes = [];
      for (const most of [2, 4, ...numbers(6, 16), 40]) {
        for (const n of numbers(0, 1500)) scene.save(goName(n), ["", visit, longVisit][n % 3] ?? "", 2 * hour);
        // A process that watches over head in busybox lives a second longer, so each sweep has a user of its own.
        const uid = String(424_200 + most);
        const user = [programPath("setpriv"), "--reuid", uid, "--regid", uid, "--clear-groups", "--"];
        const as = [...user, programPath("prlimit"), `--nproc=${most}`, "--"];
        const { status, stdout } = await scene.sweep([], { as, inside: true });
        const [all, said] = [scene.left().length === 0, status !== 0 || fields(stdout).errors !== "0"];
        assert.ok(all || said, `${most} processes: ${scene.left().length} files stay\n${stdout}`);
        rmSync(join(scene.tmpfs.dir, "metrics", "metrics.txt"), { force: true });
        outcomes.push(all);
      }
      assert.deepEqual([outcomes[0], outcomes.at(-1)], [false, true]);
    },
  };

describeScenarios("attacks", scenarios);
