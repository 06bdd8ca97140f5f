import assert from "node:assert/strict";
import { linkSync, lutimesSync, mkdirSync, rmSync, statfsSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { changed, fields, programPath, report } from "../../../sandbox/cleaner/shells";
import { goName, rustName, rustSession } from "../../../sandbox/sessionFormats";
import { day, describeScenarios, hour, login, longVisit, minute, visit, type Scenario } from "./scenes";

/** Adds a command to the sweep at the latest moment: right before it looks at the files again that it is to remove. */
const meanwhile = (text: string, command: string): string =>
  changed(text, "  if (dry) {\n    going", `  system("${command}")\n  if (dry) {\n    going`);
const lookedAtAgain = ["if (output[i] in judged)", "if (1)"] as const;
const listedOnly = ["-o -type f '('", "-o '('"] as const;
const regularOnly = ["$2 !~ /^8/ { next }", "0 { next }"] as const;
const notedErrors = ["  errors++\n", ""] as const;

const scenarios: Record<string, Scenario> = {
  "a link to a file outside, and one to a directory": {
    guard: [listedOnly, regularOnly],
    async act(scene) {
      scene.save("session_target", visit, 2 * day, scene.outside);
      const ago = Date.now() / 1000 - 2 * day;
      for (const [name, target] of [
        ["session_link", join(scene.outside, "session_target")],
        ["session_directory", scene.outside],
        ["session_broken", "nowhere"],
      ] as const) {
        symlinkSync(target, join(scene.dir, name));
        lutimesSync(join(scene.dir, name), ago, ago);
      }
      const said = report(await scene.sweep());
      assert.deepEqual([said.removed, said.errors], ["0", "0"]);
      assert.deepEqual(scene.left(), ["session_broken", "session_directory", "session_link"]);
      assert.deepEqual(scene.left(scene.outside), ["session_target"]);
    },
  },

  "a directory named like a session": {
    guard: [listedOnly, regularOnly, ['"rm --"', '"rm -rf --"']],
    async act(scene) {
      for (const name of ["session_empty", "session_full", ".session_1.2.tmp"]) mkdirSync(join(scene.dir, name));
      scene.save("session_full/session_inside", visit, 2 * day);
      for (const name of ["session_empty", "session_full", ".session_1.2.tmp"]) {
        utimesSync(join(scene.dir, name), 1, 1);
      }
      const said = report(await scene.sweep());
      assert.deepEqual([said.removed, said.errors], ["0", "0"]);
      assert.deepEqual(scene.left(), [".session_1.2.tmp", "session_empty", "session_full"]);
      assert.deepEqual(scene.left(join(scene.dir, "session_full")), ["session_inside"]);
    },
  },

  "a link that takes the place of a session as soon as that is listed": {
    guard: regularOnly,
    async act(scene) {
      scene.save("session_target", login, 0, scene.outside);
      scene.save(goName(1), visit);
      const swap = `ln -sf ../outside/session_target ${goName(1)}; touch -h -d @1 ${goName(1)}`;
      const [listed, facts] = ["2>/dev/null | ", "xargs -s 100000"];
      const text = changed(scene.text, listed + facts, `${listed} { list=$(cat); ${swap}; echo "$list"; } | ${facts}`);
      const said = report(await scene.sweep([], { text }));
      assert.deepEqual([said.removed, said.errors, scene.left()], ["0", "0", [goName(1)]]);
    },
  },

  "names that are no words, or more than a line": {
    guard: ["! -name '*[!A-Za-z0-9_.=-]*'", "! -name /"],
    async act(scene) {
      const odd = [" ", "a b", "'", '"', "*", "?[a]", "$(touch hacked)", "`id`", ";id", "\\", "\t", "é", "c\n"];
      const names = [...odd.map((name) => `session_${name}`), Buffer.from("session_\xff\xfe", "latin1")];
      // A shell takes each of these for two files, one of them a login.
      names.push("session_x session_login", "session_y\nsession_login");
      for (const name of names) scene.save(name, visit, 2 * day);
      scene.save("session_login", login, 2 * hour);
      for (const name of ["session_--", "session_-rf", "session_.", "session_="]) scene.save(name, visit, 2 * hour);
      const said = report(await scene.sweep());
      assert.deepEqual([said.removed, said.errors], ["4", "0"]);
      const stay = names.map((name) => Buffer.from(name).toString("latin1"));
      assert.deepEqual(scene.left(), [...stay, "session_login"].sort());
    },
  },

  "names of 255 bytes, and an environment as large as a pod's": {
    tmpfs: { size: "40m" },
    guard: [
      ["READ_BATCH = 100000 ", "READ_BATCH = 200000 "],
      ["REMOVAL_BATCH = 26000 ", "REMOVAL_BATCH = 200000 "],
    ],
    async act(scene) {
      for (let n = 0; n < 2000; n++) scene.save(`session_${String(n).padStart(247, "x")}`, visit, 2 * hour);
      for (let n = 0; n < 6000; n++) scene.save(goName(n), longVisit, 2 * hour);
      const env = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`SERVICE_${n}_HOST`, "10.96.0.1"]));
      const said = report(await scene.sweep(["HIGH_WATERMARK_PERCENT=100"], { env }));
      assert.deepEqual([said.removed, said.errors], ["8000", "0"]);
      assert.deepEqual(scene.left(), []);
    },
  },

  "the lock of authentik's own sweep, and what is not ours": {
    guard: ["-type f '(' -name 'session_*' -o -name '.session_*.tmp' ')'", "-type f"],
    async act(scene) {
      const foreign = "-rf .session_1 .session_1.tmp2 sem.x sess session session-cleanup.lock xsession_1".split(" ");
      for (const name of foreign) scene.save(name, name === "sem.x" ? visit : "", 900 * day);
      const said = report(await scene.sweep());
      assert.deepEqual([said.removed, said.errors], ["0", "0"]);
      assert.deepEqual(scene.left(), foreign);
    },
  },

  "a file that can not be removed": {
    guard: notedErrors,
    async act(scene) {
      scene.save(goName(1), visit, 2 * hour);
      scene.save(goName(2), visit, 2 * hour);
      scene.tmpfs.enter(`cd shm; mount --bind ${goName(1)} ${goName(1)}`);
      const result = await scene.sweep([], { inside: true });
      assert.deepEqual([result.status, result.stderr], [0, ""]);
      const said = fields(result.stdout);
      assert.deepEqual([said.removed, said.errors], ["1", "1"]);
      assert.match(said.problem ?? "", new RegExp(`${goName(1)}.*Device or resource busy$`));
      assert.deepEqual(scene.left(), [goName(1)]);
    },
  },

  "hard links, whose pages stay when a name goes": {
    guard: ["file_inodes = (links == 1) #", "file_inodes = 1 #"],
    async act(scene) {
      for (let n = 0; n < 850; n++) scene.save(goName(n), visit, 1000 - n);
      for (let n = 0; n < 100; n++) linkSync(join(scene.dir, goName(n)), join(scene.outside, goName(n)));
      const said = report(await scene.sweep());
      // 614 of 1,024 pages are 60 %. The metrics hold none yet, and the 100 oldest free nothing.
      assert.deepEqual([said.pressure_anonymous, said.used_after_bytes], ["336", String(614 * 4096)]);
      assert.equal(scene.left(scene.outside).length, 100);
    },
  },

  "files saved again or swapped for a link between look and removal": {
    guard: lookedAtAgain,
    async act(scene) {
      for (const n of [1, 2, 3]) scene.save(goName(n), longVisit, 2 * hour);
      for (const n of [4, 5]) scene.save(goName(n), login, 2 * day);
      const text = meanwhile(scene.text, `touch ${goName(1)} ${goName(4)}; ln -sf ../outside ${goName(2)}`);
      const said = report(await scene.sweep([], { text }));
      assert.deepEqual(scene.left(), [goName(1), goName(2), goName(4)].sort());
      assert.deepEqual([said.expired_anonymous, said.expired_authenticated], ["1", "1"]);
    },
  },

  "a file saved again between look and removal, under pressure": {
    guard: lookedAtAgain,
    async act(scene) {
      for (let n = 0; n < 830; n++) scene.save(goName(n), visit, 1000 - n);
      const text = meanwhile(scene.text, `touch ${goName(1)}`);
      const said = report(await scene.sweep([], { text }));
      assert.ok(scene.left().includes(goName(1)));
      assert.equal(said.pressure_anonymous, "215");
    },
  },

  "a session prolonged between look and removal, within its second": {
    guard: [
      ["'%Y %i %n'", "'%Y 0 %n'"].map((text) => text.replaceAll("'", "'\\''")) as [string, string],
      ['judged[mtime " " inode', 'judged[mtime " " 0'],
    ],
    async act(scene) {
      const ended = rustSession({ expires: Math.floor(Date.now() / 1000) - 1, login: true });
      for (const n of [1, 2]) scene.save(rustName(n), ended, minute);
      scene.save("prolonged", ended);
      const text = meanwhile(scene.text, `touch -r ${rustName(1)} prolonged; mv prolonged ${rustName(1)}`);
      report(await scene.sweep([], { text }));
      assert.deepEqual(scene.left(), [rustName(1)]);
    },
  },

  "the directory swapped for a link meanwhile": {
    guard: ['"rm --"', '"cd \\"$SWAPPED\\" && rm --"'],
    async act(scene) {
      for (const dir of [scene.dir, scene.outside]) scene.save(goName(1), longVisit, 2 * hour, dir);
      const swap = 'mv \\"$SWAPPED\\" \\"$SWAPPED.old\\" && ln -s outside \\"$SWAPPED\\"';
      report(await scene.sweep([], { env: { SWAPPED: scene.dir }, text: meanwhile(scene.text, swap) }));
      assert.deepEqual(scene.left(scene.outside), [goName(1)]);
      assert.deepEqual(scene.left(`${scene.dir}.old`), []);
    },
  },

  "bytes 100 % full": {
    guard: ["|| usage=$((used_bytes * 100 / total_bytes))", "|| usage=0"],
    async act(scene) {
      let files = 0;
      for (; statfsSync(scene.dir).bfree > 0; files++) scene.save(goName(files), visit, minute);
      assert.throws(() => scene.save(goName(files), visit), { code: "ENOSPC" });
      const said = report(await scene.sweep());
      assert.deepEqual([said.usage_before_percent, said.usage_after_percent], ["100", "59"]);
      scene.save(goName(files), visit);
    },
  },

  "bytes 100 % full, and ages alone to decide": {
    guard: ["HIGH_WATERMARK_PERCENT=101 #", ": #"],
    async act(scene) {
      for (let n = 0; n < 100; n++) scene.save(goName(n), visit, 2 * hour);
      for (let n = 100; n < 110; n++) scene.save(goName(n), login, 48 * hour);
      let files = 110;
      for (; statfsSync(scene.dir).bfree > 0; files++) scene.save(goName(files), files % 2 ? visit : login, minute);
      for (const way of [["DRY_RUN=1"], []]) {
        const said = report(await scene.sweep(["AGES_ONLY=1", ...way]));
        assert.deepEqual([said.usage_before_percent, said.removed], ["100", "110"]);
        assert.deepEqual([said.expired_anonymous, said.expired_authenticated], ["100", "10"]);
      }
      assert.equal(scene.left().length, files - 110);
    },
  },

  "inodes 100 % full": {
    guard: ["    usage=$((used_inodes * 100 / total_inodes))\n", "    :\n"],
    tmpfs: { inodes: 500, size: "40m" },
    async act(scene) {
      const save = (n: number) => scene.save(goName(n), n % 2 ? visit : "", minute);
      let files = 0;
      for (; statfsSync(scene.dir).ffree > 0; files++) save(files);
      assert.throws(() => save(files), { code: "ENOSPC" });
      // The metrics are on the same tmpfs here, without a spare inode. The sweep reports that and goes on.
      const said = fields((await scene.sweep()).stdout);
      assert.deepEqual([said.usage_before_percent, said.usage_after_percent], ["100", "60"]);
      save(files);
    },
  },

  "two sweeps at once": {
    tmpfs: { size: "40m" },
    guard: [
      ["going - vanished", "going"],
      ["if (output[i] ~ /: No such file or directory$/) vanished++", "if (0) vanished++"],
    ],
    async act(scene) {
      const save = (from: number, to: number) => {
        for (let n = from; n < to; n++) scene.save(goName(n), n % 3 ? longVisit : login, 2 * hour);
      };
      save(0, 30);
      // A second sweep seems to remove files that this one has judged. Then two really run.
      const start = "function complaints_of_rm(all,   i, stayed) {\n";
      const text = changed(
        meanwhile(scene.text, `rm -f ${goName(1)}`),
        start,
        `${start}  system("rm -f ${[2, 4, 5, 7].map(goName).join(" ")}")\n`,
      );
      const args = ["HIGH_WATERMARK_PERCENT=100"];
      const alone = report(await scene.sweep(args, { text }));
      save(30, 3000);
      const both = (await Promise.all([scene.sweep(args), scene.sweep(args)])).map(report);
      for (const { errors, problem } of [alone, ...both]) assert.deepEqual([errors, problem], ["0", undefined]);
      // None counts what another has removed.
      const removed = both.reduce((sum, said) => sum + Number(said.removed), 0);
      assert.deepEqual([Number(alone.removed), removed, scene.left().length], [15, 1980, 1000]);
    },
  },

  "a read-only directory": {
    guard: [
      ["[ -w . ] || fail", "[ -w . ] || :"],
      ["*'Read-only file system'*) fail 'the directory is read-only' ;;", "/) ;;"],
    ],
    async act(scene) {
      scene.save(goName(1), visit, 2 * hour);
      scene.tmpfs.enter("mount -o remount,ro tmpfs .");
      const { status, stdout, stderr } = await scene.sweep();
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(stderr, / event=sweep_failed dir=\S+ error="the directory (?:cannot be written to|is read-only)"$/m);
      assert.deepEqual(scene.left(), [goName(1)]);
    },
  },

  "a missing directory": {
    guard: ["|| fail 'no such directory, or no permission to enter it'", "|| :"],
    async act(scene) {
      rmSync(scene.dir, { recursive: true });
      scene.save(goName(1), visit, 2 * day, scene.outside); // the folder in which the sweep is started
      const { status, stdout, stderr } = await scene.sweep();
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(stderr, / event=sweep_failed dir=\S+ error="no such directory, or no permission to enter it"\n$/);
      assert.deepEqual(scene.left(scene.outside), [goName(1)]);
    },
  },
};

// Only root can make files of others. For everyone else there is "a file that can not be removed" above.
if (process.getuid?.() === 0) {
  scenarios["files of another uid"] = {
    tmpfs: { asRoot: true },
    guard: notedErrors,
    async act(scene) {
      for (const n of [1, 2, 3]) scene.save(goName(n), visit, 2 * hour);
      scene.tmpfs.enter(`chmod 1777 shm; chmod 777 metrics; chmod 644 shm/*; chown 1000 shm/*`);
      scene.tmpfs.enter(`chown 1001 shm/${goName(1)} shm/${goName(2)}`);
      const as = [programPath("setpriv"), "--reuid", "1000", "--regid", "1000", "--clear-groups", "--"];
      const result = await scene.sweep([], { inside: true, as });
      assert.deepEqual([result.status, result.stderr], [0, ""]);
      const said = fields(result.stdout);
      assert.deepEqual([said.removed, said.errors], ["1", "2"]);
      assert.match(said.problem ?? "", /Operation not permitted$/);
      assert.deepEqual(scene.left(), [goName(1), goName(2)].sort());
    },
  };
}

describeScenarios("safety", scenarios);
