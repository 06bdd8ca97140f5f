import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { sweepByStdin } from "../../../cleaner/scripts";
import type { Cluster, ContainerPlace } from "../../../kubernetes/cluster";
import { NotOpened, Unfinished } from "../../../kubernetes/exec";
import { useTempDir } from "../tempDir";
import {
  asking,
  isOpen,
  outpostDeployment,
  outpostPod,
  printed,
  prints,
  proxyImage,
  runOn,
  type Answers,
  type Printed,
} from "./cluster";

/** Files of a pod by their owners, and by whether they are older than requested. */
interface Files {
  visitors: number;
  logins: number;
  debris?: number;
}

const size = 64 << 20;
const pages = (files: number): number => files * 4096;

/** Answers as a sweep of these files would, all of them past every age but a year. */
class Sweeps {
  readonly asked: { place: ContainerPlace; settings: string[] }[] = [];
  constructor(private readonly files: Record<string, Files>) {}

  exec: Cluster["exec"] = (place, [shell, flag, end, ...settings], { signal, ...options } = {}) => {
    assert.deepEqual([shell, flag, end], ["sh", "-s", "--"]);
    assert.deepEqual(options, { stdin: sweepByStdin([]).stdin, timeoutMs: 120_000 });
    assert.equal(signal?.aborted, false);
    this.asked.push({ place, settings });
    const there = this.files[place.pod];
    const isDry = settings.includes("DRY_RUN=2");
    const loginsToo = !settings.includes("AUTHENTICATED_MAX_AGE_SECONDS=31536000");
    const logins = loginsToo ? there.logins : 0;
    const before = pages(there.visitors + there.logins);
    const after = isDry ? before : pages(there.logins - logins);
    if (!isDry) this.files[place.pod] = { visitors: 0, logins: there.logins - logins };
    const stdout =
      `time=2026-11-24T03:00:00Z event=sweep dir=/dev/shm used_before_bytes=${before} used_after_bytes=${after} ` +
      `total_bytes=${size} removed=0 debris=${there.debris ?? 0} expired_anonymous=${there.visitors} expired_authenticated=${logins} ` +
      "pressure_anonymous=0 pressure_authenticated=0 pressure_debris=0 errors=0 duration_ms=9\n";
    return Promise.resolve(printed(stdout));
  };
}

const pods = [outpostPod({ name: "main-b" }), outpostPod({ name: "public-a", outpost: "public", sidecar: false })];

async function cleanup(args: string[], methods: Answers = {}, options: Partial<Printed> = {}, projectDir?: string) {
  const sweeps = new Sweeps({
    "main-b": { visitors: 100, logins: 7, debris: 3 },
    "public-a": { visitors: 16_370, logins: 14 },
  });
  const known: Answers = {
    deployments: [outpostDeployment(), outpostDeployment("public")],
    pods: pods,
    exec: sweeps.exec,
    ...methods,
  };
  return { ...(await runOn(known, ["cleanup", ...args], options, { projectDir })), asked: sweeps.asked };
}

/** Asserts that each of these sweeps only counted. */
const assertDry = (asked: Sweeps["asked"]) => assert.ok(asked.every(({ settings }) => settings.includes("DRY_RUN=2")));

const always = ["SHM_DIR=/dev/shm", "AGES_ONLY=1", "COUNT_ONLY=0"];
const ages = (visitors: number, logins: number) => [
  `ANONYMOUS_MAX_AGE_SECONDS=${visitors}`,
  `AUTHENTICATED_MAX_AGE_SECONDS=${logins}`,
];
const visitorsAt = (age: number, dry = 0) => [...always, `DRY_RUN=${dry}`, ...ages(age, 31_536_000)];
const allAt = (age: number, dry = 0) => [...always, `DRY_RUN=${dry}`, ...ages(age, age)];

describe("cleanup", () => {
  it("sweeps visitors in every pod, in the sidecar where there is one and in the outpost's own container elsewhere", async () => {
    const running = cleanup(["--anonymous", "--yes"]);
    await prints(running, [
      "POD       CONTAINER    BEFORE     AFTER    FREED   VISITORS  LOGINS  DEBRIS  ERRORS",
      "main-b    shm-cleanup  428Ki 0%   28Ki 0%  400Ki   100       0       3       0",
      "public-a  proxy        64Mi 100%  56Ki 0%  63.9Mi  16370     0       0       0",
      "TOTAL                                      64.3Mi  16470     0       3       0",
      "",
      "16473 files of 2 pods removed, 64.3Mi freed.",
    ]);
    assert.deepEqual((await running).asked, [
      { place: { namespace: "authentik", pod: "main-b", container: "shm-cleanup" }, settings: visitorsAt(5) },
      { place: { namespace: "authentik", pod: "public-a", container: "proxy" }, settings: visitorsAt(5) },
    ]);
  });

  describe("asks a pod for one sweep, of just what each combination means:", () => {
    const meanings: Record<string, string[]> = {
      "--anonymous --yes": visitorsAt(5),
      "--anonymous --older-than 30m --yes": visitorsAt(1800),
      "--older-than 30m --yes": allAt(1800),
      "--older-than days=1;hours=12 --yes": allAt(129_600),
      "--all --yes": allAt(5),
      "--all --dry-run": allAt(5, 2),
      "--anonymous --older-than 2h --dry-run": visitorsAt(7200, 2),
    };
    for (const [flags, settings] of Object.entries(meanings)) {
      it(flags, async () => {
        const { code, asked } = await cleanup(["main", ...flags.split(" ")]);
        assert.equal(code, 0);
        const sweeps = asked.map((each) => each.settings);
        assert.deepEqual(sweeps, [settings]);
      });
    }

    const choices =
      "--older-than AGE (all sessions older than that), --anonymous (visitors who have not logged in; with --older-than only " +
      "those older than that), or --all (every session)\n";
    const wrong: Record<string, string> = {
      "": `error: say what is to go: ${choices}`,
      "--dry-run": `error: say what is to go: ${choices}`,
      "--all --anonymous": `error: --all and --anonymous contradict each other: choose ${choices}`,
      "--all --older-than 30m": `error: --all and --older-than contradict each other: choose ${choices}`,
      "--older-than 3s":
        "error: option '--older-than <age>' argument '3s' is invalid. It is too short; the shortest is 5s.\n",
      "--older-than 30":
        "error: option '--older-than <age>' argument '30' is invalid. It has no unit; write e.g. 90s, 60m, 24h or 1h30m, or as in authentik hours=24.\n",
    };
    for (const [flags, error] of Object.entries(wrong)) {
      it(`none for "${flags}"`, async () => {
        const result = await cleanup(flags === "" ? [] : flags.split(" "));
        assert.deepEqual(result, { code: 2, stdout: "", stderr: error, asked: [] });
      });
    }
  });

  it("says in a dry run what would go, logins told from visitors, and removes nothing", async () => {
    const running = cleanup(["--all", "--dry-run"]);
    await prints(running, [
      "POD       CONTAINER    BEFORE     VISITORS  LOGINS  DEBRIS  ERRORS",
      "main-b    shm-cleanup  428Ki 0%   100       7       3       0",
      "public-a  proxy        64Mi 100%  16370     14      0       0",
      "TOTAL                             16470     21      3       0",
      "",
      "16494 files of 2 pods would go. Nothing was removed.",
    ]);
    assertDry((await running).asked);
  });

  describe("where it logs people out", () => {
    const where = "In cluster https://cluster.example (the current context), namespace authentik";
    const loss =
      `${where}, pods main-b, public-a: ` +
      "Sessions, logins too, older than 30m go: 21 sessions of logged-in people in 2 pods will end, they log in again; " +
      "16470 sessions of visitors";

    it("says how many and asks; y goes on", async () => {
      const { questions, ask } = asking("y");
      const { code, stdout, asked } = await cleanup(["--older-than", "30m"], {}, { ask });
      assert.deepEqual(questions, [`${loss}. Go on? [y/N] `]);
      assert.equal(code, 0);
      assert.match(stdout, /\nTOTAL +64.4Mi +16470 +21 +3 +0\n\n16494 files of 2 pods removed, 64.4Mi freed.\n$/);
      assert.deepEqual(asked.filter(({ settings }) => settings.includes("DRY_RUN=0")).length, 2);
    });

    it("names five pods of many", async () => {
      const { questions, ask } = asking("n");
      const many = Array.from({ length: 7 }, () => outpostPod({ name: "main-b" }));
      await cleanup(["--all"], { pods: many }, { ask });
      assert.match(questions[0], /, pods main-b, main-b, main-b, main-b, main-b and 2 more: /);
    });

    it("takes any other answer for no, and removes nothing", async () => {
      for (const answer of ["", "n", "yesterday"]) {
        const { code, stdout, stderr, asked } = await cleanup(["--all"], {}, asking(answer));
        assert.deepEqual([code, stdout, stderr], [1, "", "Nothing was removed.\n"], answer);
        assertDry(asked);
      }
    });

    it("refuses without a terminal and --yes, and removes nothing", async () => {
      const { code, stdout, stderr, asked } = await cleanup(["--older-than", "30m"]);
      const error = `error: ${loss}, and there is no terminal to ask on: nothing was changed; --yes goes on\n`;
      assert.deepEqual([code, stdout, stderr], [2, "", error]);
      assertDry(asked);
    });

    it("does not ask where nothing is that old", async () => {
      const sweeps = new Sweeps({ "main-b": { visitors: 0, logins: 0, debris: 4 } });
      const { code } = await cleanup(["main", "--older-than", "30m"], { exec: sweeps.exec });
      assert.equal(code, 0);
    });

    it("asks where a pod could not be asked, and names it", async () => {
      const exec: Cluster["exec"] = (place) =>
        Promise.reject(new Error(`exec in container ${place.container}: connection refused`));
      const { stderr } = await cleanup(["main", "--older-than", "30m"], { exec });
      assert.equal(
        stderr,
        `error: ${where}, pod main-b: ` +
          "Sessions, logins too, older than 30m go: 0 sessions of logged-in people in 0 pods will end, they log in again; " +
          "0 sessions of visitors (1 pod could not be asked: main-b: exec in container shm-cleanup: connection refused), " +
          "and there is no terminal to ask on: nothing was changed; --yes goes on\n",
      );
    });
  });

  describe("with a stack whose file names no context", () => {
    const inDir = useTempDir();
    beforeEach(() => {
      const config = "authentik-outpost-shm:namespace: authentik\n  authentik-outpost-shm:outposts: [main, public]";
      writeFileSync(inDir("Pulumi.dev.yaml"), `config:\n  ${config}\n`);
    });
    const onDev = (flags: string[], options = {}) =>
      cleanup(["--stack", "dev", "--anonymous", ...flags], {}, options, inDir());
    const place = "cluster https://cluster.example (the current context), namespace authentik";
    const says = `stack dev names no kubernetes:context: this is ${place}\n`;

    it("says which cluster it is about to touch, and asks", async () => {
      const { questions, ask } = asking("n");
      const { code, stderr, asked } = await onDev([], { ask });
      assert.deepEqual([code, stderr], [1, `${says}Nothing was removed.\n`]);
      assertDry(asked);
      assert.deepEqual(questions, [
        `In ${place}, pods main-b, public-a: Visitors' sessions older than 5s go: 16470 in 2 pods, nobody is logged out. ` +
          "stack dev names no kubernetes:context. Go on? [y/N] ",
      ]);
    });

    it("does not ask with --yes, which says that it is the right one", async () => {
      const { code, stderr, asked } = await onDev(["--yes"]);
      assert.deepEqual([code, stderr, asked.length], [0, says, 2]);
    });
  });

  describe("where forward auth is open", () => {
    const image = proxyImage("2025.10.1");
    const open: Answers = { pods: [outpostPod({ name: "main-b", image })] };
    const opening = `Outpost main (${image}): ${isOpen}. Removing sessions opens it too. Upgrade authentik to 2025.10.3 or later`;

    it("says so in its question", async () => {
      const { questions, ask } = asking("n");
      await cleanup(["--anonymous"], open, { ask });
      assert.deepEqual(questions, [
        `In cluster https://cluster.example (the current context), namespace authentik, pod main-b: ${opening}. ` +
          "Visitors' sessions older than 5s go: 100 in 1 pod, nobody is logged out. Go on? [y/N] ",
      ]);
    });

    it("says so and does not ask with --yes or --dry-run", async () => {
      for (const flag of ["--yes", "--dry-run"]) {
        const { code, stderr } = await cleanup(["--anonymous", flag], open);
        assert.deepEqual([code, stderr], [0, `${opening}.\n`]);
      }
    });
  });

  it("prints numbers with -o json", async () => {
    const { stdout } = await cleanup(["public", "--all", "--yes", "-o", "json"]);
    assert.deepEqual(JSON.parse(stdout), {
      namespace: "authentik",
      visitorsOlderThan: 5,
      loginsOlderThan: 5,
      dryRun: false,
      pods: [
        {
          namespace: "authentik",
          pod: "public-a",
          outpost: "public",
          container: "proxy",
          removed: { anonymous: 16_370, authenticated: 14, debris: 0 },
          sizeBytes: size,
          usedBytesBefore: size,
          usedBytesAfter: 0,
          errors: 0,
          freedBytes: size,
        },
      ],
      total: {
        removed: { anonymous: 16_370, authenticated: 14, debris: 0 },
        files: 16_384,
        freedBytes: size,
        errors: 0,
        swept: 1,
        failed: 0,
      },
    });
  });

  it("shows progress on a terminal, on stderr", async () => {
    const { stderr } = await cleanup(["--anonymous", "--yes"], {}, { errIsTerminal: true });
    assert.equal(stderr, [0, 1, 2].map((done) => `\r\x1b[Ksweeping: ${done} of 2 pods`).join("") + "\r\x1b[K");
  });

  describe("interrupted", () => {
    /** Interrupts the first sweep that removes something, as Ctrl-C does. */
    const interruptedRun = async (args: string[], when: string) => {
      const sweeps = new Sweeps({ "main-b": { visitors: 9, logins: 0 }, "public-a": { visitors: 9, logins: 0 } });
      const ctrlC = new AbortController();
      const many = Array.from({ length: 9 }, (_, index) => outpostPod({ name: `main-${index}` }));
      const exec: Cluster["exec"] = (place, command, options) => {
        if (!command.includes(when)) return sweeps.exec({ ...place, pod: "main-b" }, command, options);
        if (place.pod !== "main-0") ctrlC.abort(); // the first pod is done by then
        return place.pod === "main-0"
          ? sweeps.exec({ ...place, pod: "main-b" }, command, options)
          : Promise.reject(new Error("exec in x: interrupted", { cause: new Unfinished("interrupted") }));
      };
      return cleanup(args, { exec, pods: many }, { interruption: () => ctrlC.signal, ask: () => Promise.resolve("y") });
    };

    it("says of each pod what was done there and what was not, and that a second run goes on", async () => {
      const { code, stdout, stderr } = await interruptedRun(["--anonymous", "--yes"], "DRY_RUN=0");
      assert.deepEqual([code, stderr], [1, "Interrupted. The same command goes on with what is left.\n"]);
      assert.match(stdout, /^main-0 +shm-cleanup +36Ki 0% +0 0% +36Ki +9 /m);
      assert.match(stdout, /^main-1: exec in x: interrupted\. A part of what was to go may be gone$/m);
      assert.match(stdout, /^main-8: interrupted before its turn, nothing was removed$/m);
      assert.match(stdout, /\n9 files of 1 pod removed, 36Ki freed. 8 pods could not be swept.\n$/);
    });

    it("removes nothing if it is while it counts", async () => {
      const { code, stdout, stderr, asked } = await interruptedRun(["--anonymous"], "DRY_RUN=2");
      assert.deepEqual([code, stdout, stderr, asked], [1, "", "Nothing was removed.\n", []]);
    });
  });

  describe("goes on past a pod that fails, says why, and exits 1:", () => {
    /** Fails in main-b as given; public-a is swept. */
    const failing = (exec: Cluster["exec"]): Cluster["exec"] => {
      const sweeps = new Sweeps({ "public-a": { visitors: 10, logins: 0 } });
      return (place, ...rest) => (place.pod === "main-b" ? exec(place, ...rest) : sweeps.exec(place, ...rest));
    };
    const rejected = (message: string, cause?: Error) => failing(() => Promise.reject(new Error(message, { cause })));
    const ended = (status: number, stderr: string, stdout = "") =>
      failing(() => Promise.resolve({ status, stdout, stderr }));
    const at = "exec in container shm-cleanup of pod authentik/main-b";

    const failures: Record<string, [Cluster["exec"], string]> = {
      "one whose container has no shell": [
        rejected(`${at}: exec: "sh": executable file not found in $PATH: unknown`),
        "container shm-cleanup has no shell, so nothing can sweep there. kubectl --namespace authentik delete pod main-b empties its " +
          "/dev/shm (its users log in again)",
      ],
      "one that may not be exec'd in": [
        rejected(
          `${at}: pods "main-b" is forbidden: User "eve" cannot create resource "pods/exec"`,
          new NotOpened(403),
        ),
        `${at}: pods "main-b" is forbidden: User "eve" cannot create resource "pods/exec". An exec takes get and create on ` +
          "pods/exec: kubectl --namespace authentik auth can-i get pods/exec; kubectl --namespace authentik auth can-i create pods/exec",
      ],
      "one that does not answer": [rejected(`${at}: no end within 120 s`), `${at}: no end within 120 s`],
      "one that lacks a tool": [
        ended(1, 'time=2026-11-24T03:00:00Z event=sweep_failed dir=/dev/shm error="missing tool: awk"\n'),
        "the sweep in container shm-cleanup failed: missing tool: awk",
      ],
      "one whose sweep says nothing": [ended(0, ""), "the sweep in container shm-cleanup failed: exit status 0"],
    };
    for (const [name, [exec, problem]] of Object.entries(failures)) {
      it(name, async () => {
        const { code, stdout } = await cleanup(["--anonymous", "--yes"], { exec });
        assert.equal(code, 1);
        assert.deepEqual(stdout.split("\n").slice(1), [
          "main-b    shm-cleanup  -        -      -      -         -       -       -",
          "public-a  proxy        40Ki 0%  0 0%   40Ki   10        0       0       0",
          "TOTAL                                  40Ki   10        0       0       0",
          "",
          `main-b: ${problem}`,
          "",
          "10 files of 1 pod removed, 40Ki freed. 1 pod could not be swept.",
          "",
        ]);
      });
    }

    it("one that is Pending, with what it waits for", async () => {
      const sidecarStatus = { state: { waiting: { reason: "ImagePullBackOff" } } };
      const pending = outpostPod({ name: "main-b", phase: "Pending", sidecarStatus });
      const { code, stdout } = await cleanup(["main", "--anonymous", "--yes"], { pods: [pending] });
      assert.equal(code, 1);
      assert.match(stdout, /\nmain-b: the pod is Pending, not Running: container shm-cleanup ImagePullBackOff\n/);
    });

    it("one with files that stayed, and names the first", async () => {
      const exec = printed(
        "time=x event=sweep used_before_bytes=8192 used_after_bytes=4096 total_bytes=65536 debris=0 expired_anonymous=1 " +
          "expired_authenticated=0 pressure_anonymous=0 pressure_authenticated=0 pressure_debris=0 errors=1 " +
          'problem="rm: session_1: Operation not permitted"\n',
      );
      const { code, stdout } = await cleanup(["main", "--anonymous", "--yes"], { exec });
      assert.equal(code, 1);
      assert.match(stdout, /\nmain-b +shm-cleanup +8Ki 12% +4Ki 6% +4Ki +1 +0 +0 +1\n/);
      assert.match(stdout, /\nmain-b: rm: session_1: Operation not permitted\n/);
    });
  });

  it("sweeps in the outpost's own container where the sidecar is not running", async () => {
    const sidecarStatus = { state: { waiting: { reason: "CrashLoopBackOff" } } };
    const crashing = outpostPod({ name: "main-b", ready: false, sidecarStatus });
    const { asked } = await cleanup(["main", "--anonymous", "--yes"], { pods: [crashing] });
    const containers = asked.map(({ place }) => place.container);
    assert.deepEqual(containers, ["proxy"]);
  });
});
