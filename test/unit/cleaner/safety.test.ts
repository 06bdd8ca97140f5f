import assert from "node:assert/strict";
import {
  existsSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  changed,
  coverage,
  fields,
  programPath,
  report,
  run,
  shells,
  sweepText,
  type Result,
  type Shell,
} from "../../../sandbox/cleaner/shells";
import { mountTmpfs, type Tmpfs, type TmpfsOptions } from "../../../sandbox/cleaner/tmpfs";
import { goName, goSession, rustName, rustSession } from "../../../sandbox/sessionFormats";

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const visit = goSession({ holds: [] });
/** A visit that its size does not give away, so that it has to be read. */
const longVisit = goSession({ holds: ["redirect"], url: `https://a.example/${"p".repeat(800)}` });
const login = goSession({ holds: ["claims"] });

/** A directory on a tmpfs of its own, and the sweep to try on it. */
class Scene {
  readonly dir: string;
  readonly outside: string;

  constructor(
    readonly tmpfs: Tmpfs,
    readonly shell: Shell,
    readonly text: string,
    /** More settings. With METRICS_DIR the sweep reads the metadata of every file, without it only names. */
    readonly way: readonly string[],
  ) {
    this.dir = join(tmpfs.dir, "shm");
    this.outside = join(tmpfs.dir, "outside");
    for (const path of [this.dir, this.outside, join(tmpfs.dir, "metrics")]) mkdirSync(path);
  }

  save(name: string | Buffer, content: string, ageSeconds = 0, dir = this.dir): void {
    const path = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(name)]);
    writeFileSync(path, content);
    const saved = Date.now() / 1000 - ageSeconds;
    utimesSync(path, saved, saved);
  }

  left(dir = this.dir): string[] {
    return readdirSync(dir, "latin1").sort();
  }

  sweep(args: string[] = [], env: Record<string, string> = {}, text = this.text): Promise<Result> {
    return run(this.shell, text, { args: [`SHM_DIR=${this.dir}`, ...this.way, ...args], env, cwd: this.outside });
  }

  /** Sweeps inside the tmpfs's own mount namespace, where its mounts count. `as` is the command to become another user. */
  sweepInside(as: readonly string[] = []): Promise<Result> {
    const { dir, command } = this.tmpfs.inside;
    const way = this.way.map((setting) => setting.replace(this.tmpfs.dir, dir));
    return run(this.shell, this.text, { as: [...command, ...as], args: [`SHM_DIR=${dir}/shm`, ...way] });
  }
}

type Change = readonly [from: string, to: string];

interface Scenario {
  tmpfs?: Partial<TmpfsOptions>;
  /** The guard, and its replacement in the text without it. */
  guard: Change | readonly Change[];
  /** Runs only on shells whose name starts with this. */
  only?: string;
  /** Runs only in these ways; by default by name and counting for metrics. */
  ways?: readonly ("by name" | "counting")[];
  act(scene: Scene): Promise<void>;
}

const removeStart = "REMOVE_JUDGED='\nstate=$1 reason=$2 tests=$3\n";
/** Adds a command to the sweep at the latest moment: right before it checks again and removes what it has read. */
const meanwhile = (text: string, command: string): string => changed(text, removeStart, `${removeStart}${command}\n`);
const checkedAgain = ["-maxdepth 0 -type f $tests $DELETE", "-maxdepth 0 -type f $DELETE"] as const;
const regularOnly = ['SESSIONS="-type f ( -name', 'SESSIONS="( -name'] as const;
const ageTested = ["-o $AGED $visit $DELETE", "-o $visit $DELETE"] as const;
const findStart = 'exec env -i PATH="$PATH" find . -maxdepth 1 !';

const notedErrors = ['$1 == "complaint" {', '$1 == "nothing" {'] as const;

const scenarios: Record<string, Scenario> = {
  "a link to a file outside, and one to a directory": {
    guard: regularOnly,
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
    guard: [regularOnly, ['rm -f -- "$@"', 'rm -rf -- "$@"']],
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

  "names that are no words": {
    guard: ["plain='! -name *[!A-Za-z0-9_.=-]*'", "plain='-type f'"],
    async act(scene) {
      const odd = [
        " ",
        "a b",
        "'",
        '"',
        "*",
        "?[a]",
        "$(touch hacked)",
        "`id`",
        ";id",
        "\\",
        "\t",
        "é",
        "-rf",
        "--",
        ".",
      ];
      const names = [...odd.map((name) => `session_${name}`), Buffer.from("session_\xff\xfe", "latin1")];
      for (const name of names) scene.save(name, visit, 2 * hour);
      // A visit of two hours whose name a shell takes for two files, one of them a login.
      scene.save("session_login", login, 2 * hour);
      scene.save("session_x session_login", visit, 2 * hour);
      report(await scene.sweep());
      // Never read, and so in doubt authenticated: they stay …
      const plain = ["session_--", "session_-rf", "session_."];
      const stay = names.map((name) => Buffer.from(name).toString("latin1")).filter((name) => !plain.includes(name));
      assert.deepEqual(scene.left(), [...stay, "session_login", "session_x session_login"].sort());
      // … until their day is over.
      for (const name of names) scene.save(name, visit, 2 * day);
      scene.save("session_x session_login", visit, 2 * day);
      const said = report(await scene.sweep());
      assert.deepEqual(scene.left(), ["session_login"]);
      assert.deepEqual([said.removed, said.errors], [String(names.length + 1), "0"]);
    },
  },

  "names of more than a line": {
    guard: ["-o $DEAD $DELETE", "-o $DEAD -name '*[!A-Za-z0-9_.=-]*' -o $DEAD $DELETE"],
    async act(scene) {
      scene.save("session_login", login, 2 * hour);
      scene.save("session_a\nsession_login", visit, 2 * day);
      scene.save("session_b\nsession_login", visit, 2 * hour);
      scene.save("session_c\n", "", hour);
      const said = report(await scene.sweep());
      assert.deepEqual(scene.left(), ["session_b\nsession_login", "session_login"]);
      assert.deepEqual([said.removed, said.errors, said.debris], ["2", "0", "1"]);
    },
  },

  "names of 255 bytes": {
    tmpfs: { size: "40m" },
    guard: ['-s 100000 -n " batch "', '-s 100 -n " batch "'],
    async act(scene) {
      for (let n = 0; n < 2000; n++) scene.save(`session_${String(n).padStart(247, "x")}`, visit, 2 * hour);
      const said = report(await scene.sweep(["HIGH_WATERMARK_PERCENT=100"]));
      assert.deepEqual([said.removed, said.errors], ["2000", "0"]);
      assert.deepEqual(scene.left(), []);
    },
  },

  "many files of long names, and an environment as large as a pod's": {
    tmpfs: { size: "40m" },
    // GNU find counts its environment itself.
    guard: ['exec env -i PATH="$PATH" find', "exec find"],
    only: "busybox",
    async act(scene) {
      for (let n = 0; n < 2000; n++) scene.save(`session_${String(n).padStart(247, "x")}`, visit, 2 * day);
      for (let n = 0; n < 6000; n++) scene.save(goName(n), visit, 2 * hour);
      const env = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`SERVICE_${n}_HOST`, "10.96.0.1"]));
      const said = report(await scene.sweep(["HIGH_WATERMARK_PERCENT=100"], env));
      assert.deepEqual([said.removed, said.errors], ["8000", "0"]);
      assert.deepEqual(scene.left(), []);
    },
  },

  "the lock of authentik's own sweep, and what is not ours": {
    guard: ["-type f ( -name session_* -o -name .session_*.tmp )", "-type f"],
    async act(scene) {
      const foreign = [
        "session-cleanup.lock",
        "-rf",
        "sem.x",
        "sess",
        "session",
        "xsession_1",
        ".session_1",
        ".session_1.tmp2",
      ];
      foreign.sort();
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
      const result = await scene.sweepInside();
      assert.deepEqual([result.status, result.stderr], [0, ""]);
      const said = fields(result.stdout);
      assert.deepEqual([said.removed, said.errors], ["1", "1"]);
      assert.match(said.problem ?? "", new RegExp(`${goName(1)}.*Device or resource busy$`));
      assert.deepEqual(scene.left(), [goName(1)]);
    },
  },

  "hard links, whose pages stay when a name goes": {
    guard: ["if (links == 1) { used_bytes", "{ used_bytes"],
    ways: ["counting"],
    async act(scene) {
      for (let n = 0; n < 850; n++) scene.save(goName(n), visit, 1000 - n);
      for (let n = 0; n < 100; n++) linkSync(join(scene.dir, goName(n)), join(scene.outside, goName(n)));
      const said = report(await scene.sweep());
      // 614 of 1,024 pages are 60 %. The metrics hold none yet, and the 100 oldest free nothing.
      assert.deepEqual([said.pressure_anonymous, said.used_after_bytes], ["336", String(614 * 4096)]);
      assert.equal(scene.left(scene.outside).length, 100);
    },
  },

  "a file saved again between look and removal": {
    guard: checkedAgain,
    async act(scene) {
      for (const n of [1, 2]) scene.save(goName(n), longVisit, 2 * hour);
      const text = meanwhile(scene.text, `touch ${goName(1)}`);
      const said = report(await scene.sweep([], {}, text));
      assert.deepEqual(scene.left(), [goName(1)]);
      assert.equal(said.removed, "1");
    },
  },

  "files saved again while find is on its way to them": {
    guard: [ageTested, ["-o $DEAD $DELETE", "-o -name '*[BC]' $DELETE"]],
    async act(scene) {
      // find lists a directory from the first or from the last file made, so it meets one of these before all others.
      scene.save("session_begin", longVisit);
      for (const [n, content] of [visit, visit, login, login].entries()) {
        scene.save(goName(n), content, content === visit ? 2 * hour : 2 * day);
      }
      scene.save("session_end", longVisit);
      const touch = `-exec touch -c ${goName(1)} ${goName(2)} \\;`;
      const begun = `${findStart.slice(0, -1)}\\( -name session_begin -o -name session_end \\) ${touch} -o !`;
      const said = report(await scene.sweep([], {}, changed(scene.text, findStart, begun)));
      assert.deepEqual(scene.left(), ["session_begin", "session_end", goName(1), goName(2)].sort());
      assert.deepEqual([said.expired_anonymous, said.expired_authenticated], ["1", "1"]);
    },
  },

  "a file saved again between look and removal, under pressure": {
    guard: checkedAgain,
    ways: ["by name"],
    async act(scene) {
      for (let n = 0; n < 830; n++) scene.save(goName(n), visit, 1000 - n);
      const text = meanwhile(scene.text, `touch ${goName(1)}`);
      const said = report(await scene.sweep([], {}, text));
      assert.ok(existsSync(join(scene.dir, goName(1))));
      assert.equal(said.pressure_anonymous, "215");
    },
  },

  "a session prolonged between look and removal": {
    guard: ["read_state(\\$0); if (expired()) print }", "print }"],
    async act(scene) {
      const now = Math.floor(Date.now() / 1000);
      scene.save(rustName(1), rustSession({ expires: now - 1, login: true }));
      scene.save(rustName(2), rustSession({ expires: now - 1, login: true }));
      scene.save("prolonged", rustSession({ expires: now + hour, login: true }));
      const start = "REMOVE_EXPIRED='\n";
      const text = changed(scene.text, start, `${start}mv prolonged ${rustName(1)}\n`);
      report(await scene.sweep([], {}, text));
      assert.deepEqual(scene.left(), [rustName(1)]);
    },
  },

  "the directory swapped for a link meanwhile": {
    guard: [removeStart, `${removeStart}cd "$SWAPPED"\n`],
    async act(scene) {
      for (const dir of [scene.dir, scene.outside]) scene.save(goName(1), longVisit, 2 * hour, dir);
      const swap = 'mv "$SWAPPED" "$SWAPPED.old" && ln -s outside "$SWAPPED"';
      const start = "REMOVE_JUDGED='\n";
      const text = changed(scene.text, start, `${start}${swap}\n`);
      report(await scene.sweep([], { SWAPPED: scene.dir }, text));
      assert.deepEqual(scene.left(scene.outside), [goName(1)]);
      assert.deepEqual(scene.left(`${scene.dir}.old`), []);
    },
  },

  "links, where a part of many files tells": {
    ways: ["counting"],
    guard: ["if ($2 !~ /^8/) next", ""],
    async act(scene) {
      scene.save("session_target", login, minute, scene.outside);
      for (let n = 0; n < 5_100; n++) symlinkSync(join(scene.outside, "session_target"), join(scene.dir, goName(n)));
      report(await scene.sweep());
      const metrics = readFileSync(join(scene.tmpfs.dir, "metrics", "metrics.txt"), "utf8");
      assert.match(metrics, /session_files\{state="anonymous"\} 0\n.*session_files\{state="authenticated"\} 0\n/);
    },
  },

  "a linker that complains before find answers": {
    only: "dash",
    guard: ["    *.) find_takes_time=1", "    .) find_takes_time=1"],
    async act(scene) {
      scene.save("session_fresh", login, minute);
      const { status, stdout } = await scene.sweep([], { LD_PRELOAD: "/nowhere/injected.so" });
      assert.deepEqual([status, fields(stdout).removed, scene.left()], [0, "0", ["session_fresh"]]);
    },
  },

  "a directory of 1970": {
    only: "dash",
    guard: ["-delete -newermt @0 -o -print", "-delete -o -newermt @0 -print"],
    async act(scene) {
      scene.save("session_fresh", login, minute);
      utimesSync(scene.dir, 0, 0);
      const said = report(await scene.sweep());
      assert.deepEqual([said.removed, scene.left()], ["0", ["session_fresh"]]);
    },
  },

  "a find of which nothing is known": {
    only: "dash",
    guard: ["    *) return 1 ;;\n  esac\n}\n\n# A clock", "    *) ;;\n  esac\n}\n\n# A clock"],
    async act(scene) {
      scene.save("session_fresh", login, minute);
      const { status, stderr } = await scene.sweep([], {}, `find() { echo 'find: bad option'; }\n${scene.text}`);
      assert.deepEqual([status, scene.left()], [1, ["session_fresh"]]);
      assert.match(stderr, / event=sweep_failed dir=\S+ error="this find is neither GNU's nor busybox's"$/m);
    },
  },

  "65,536 files": {
    tmpfs: { size: "300m" },
    guard: [
      findStart,
      'all() { sh -c "$REMOVE" remove anonymous expired $(find . -maxdepth 1 -type f ! -mmin -60); }; all',
    ],
    async act(scene) {
      for (let n = 0; n < 65_536; n++) scene.save(goName(n), visit, n % 2 ? 2 * hour : minute);
      const said = report(await scene.sweep(["HIGH_WATERMARK_PERCENT=100"]));
      assert.deepEqual([said.removed, said.errors], ["32768", "0"]);
      assert.equal(scene.left().length, 32_768);
    },
  },

  "the clock put forward by a day, as the loop noticed": {
    guard: ["moment=$((moment - ${CLOCK_JUMPED_BY:-0}))", ":"],
    async act(scene) {
      // The clock is a day ahead, so a file that was saved a minute ago looks a day and a minute old.
      scene.save(goName(1), login, day + minute);
      scene.save(goName(2), visit, day + minute);
      scene.save(goName(3), visit, day + 2 * hour);
      scene.save(goName(4), login, 2 * day + minute);
      scene.save(goName(5), visit);
      const jumped = { CLOCK_JUMPED_AT: String(Math.floor(Date.now() / 1000) - 10), CLOCK_JUMPED_BY: String(day) };
      report(await scene.sweep([], jumped));
      assert.deepEqual(scene.left(), [goName(1), goName(2), goName(5)].sort());
    },
  },

  "the clock put back by an hour, and an mtime in the future": {
    // The behaviour of a sweep that mistakes an age for a distance.
    guard: [
      "exec 4<<FD4",
      'DEAD_FUTURE=1; AGED_GUARD=$(date +%s); for file in session_*; do [ "$(stat -c %Y "$file")" -le "$AGED_GUARD" ] || rm -f "$file"; done\n  exec 4<<FD4',
    ],
    async act(scene) {
      for (const [n, content] of [visit, login, ""].entries()) {
        scene.save(goName(n), content, -hour);
        scene.save(goName(10 + n), content, -900 * day);
      }
      const said = report(await scene.sweep());
      assert.deepEqual([said.removed, said.errors], ["0", "0"]);
      assert.equal(scene.left().length, 6);
      const pressed = report(await scene.sweep(["HIGH_WATERMARK_PERCENT=2", "LOW_WATERMARK_PERCENT=1"]));
      assert.equal(pressed.removed, "0");
    },
  },

  "bytes 100 % full": {
    guard: ["|| usage=$((used_bytes * 100 / total_bytes))", "|| usage=0"],
    tmpfs: { size: "4m" },
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
    guard: ["HIGH_WATERMARK_PERCENT=101 LOGIN_PERCENT=101", ":"],
    tmpfs: { size: "4m" },
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
    guard: ["    usage=$((used_inodes * 100 / total_inodes))", "    :"],
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
    guard: ["awk '!/No such file or directory/ && /", "awk '/"],
    async act(scene) {
      for (let n = 0; n < 3000; n++) scene.save(goName(n), n % 3 ? longVisit : login, 2 * hour);
      // A second sweep seems to remove a file that this one has judged, and another really runs.
      const text = meanwhile(scene.text, `rm -f ${goName(1)}; set -- "$@" ./session_gone`);
      const args = ["HIGH_WATERMARK_PERCENT=100"];
      for (const result of await Promise.all([scene.sweep(args, {}, text), scene.sweep(args)])) {
        assert.deepEqual(report(result).problem, undefined);
      }
      assert.deepEqual(scene.left().length, 1000);
    },
  },

  "a read-only directory": {
    guard: [
      ["[ -w . ] || fail", "[ -w . ] || :"],
      ["*'Read-only file system'*) fail 'the directory is read-only' ;;", "*) ;;"],
    ],
    async act(scene) {
      scene.save(goName(1), visit, 2 * hour);
      scene.tmpfs.enter("mount -o remount,ro tmpfs .");
      const { status, stdout, stderr } = await scene.sweep();
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(
        stderr,
        / event=sweep_failed dir=\S+ error="the directory (?:can not be written to|is read-only)"$/m,
      );
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
      const result = await scene.sweepInside(as);
      assert.deepEqual([result.status, result.stderr], [0, ""]);
      const said = fields(result.stdout);
      assert.deepEqual([said.removed, said.errors], ["1", "2"]);
      assert.match(said.problem ?? "", /Operation not permitted$/);
      assert.deepEqual(scene.left(), [goName(1), goName(2)].sort());
    },
  };
}

/** Runs a scenario on a tmpfs of its own. */
async function play(scenario: Scenario, shell: Shell, text: string, way: "by name" | "counting"): Promise<void> {
  const tmpfs = await mountTmpfs({ size: "4m", ...scenario.tmpfs });
  try {
    const settings = way === "counting" ? [`METRICS_DIR=${join(tmpfs.dir, "metrics")}`] : [];
    await scenario.act(new Scene(tmpfs, shell, text, settings));
  } finally {
    await tmpfs.unmount();
  }
}

for (const shell of shells) {
  describe(`safety on ${shell.name}${coverage}`, function () {
    this.timeout(120_000);
    for (const [name, scenario] of Object.entries(scenarios)) {
      if (!shell.name.startsWith(scenario.only ?? "")) continue;
      for (const way of scenario.ways ?? (["by name", "counting"] as const)) {
        it(`${name} (${way})`, () => play(scenario, shell, sweepText, way));
      }
      it(`${name}: fails when the guard is taken out`, async () => {
        const [way = "by name"] = scenario.ways ?? [];
        const guards = (typeof scenario.guard[0] === "string" ? [scenario.guard] : scenario.guard) as readonly Change[];
        const unguarded = guards.reduce((text, guard) => changed(text, ...guard), sweepText);
        await assert.rejects(play(scenario, shell, unguarded, way), (error: Error) => {
          return error instanceof assert.AssertionError || error.message.startsWith("exit status");
        });
      });
    }
  });
}
