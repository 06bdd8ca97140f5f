import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { coverage, cronjobText, fields, run, shells, sweepText } from "../../../sandbox/cleaner/shells";
import { goName, goSession } from "../../../sandbox/sessionFormats";

/**
 * A kubectl that knows pods from a table and runs exec right here. It proves what the script asks for and makes of the answers.
 * The tests on a cluster prove that a real kubectl understands it.
 */
const kubectl = `#!/bin/sh
printf '%s\\n' "$*" | head -n 1 | cut -c 1-300 >>"$FAKE/calls"
case $1 in
get)
  case $2 in
    deployment)
      [ -e "$FAKE/pods/$3" ] || { echo "Error from server (NotFound): deployments.apps \\"$3\\" not found" >&2; exit 1; }
      cat "$FAKE/warning" >&2 2>/dev/null
      echo "|$(cat "$FAKE/replicas" 2>/dev/null || echo 1)|app=$3,tier in (a,b)," ;;
    pods)
      outpost=\${6#app=} outpost=\${outpost%%,*}
      [ "$outpost" != secret ] || { echo 'Error from server (Forbidden): pods is forbidden' >&2; exit 1; }
      cat "$FAKE/warning" >&2 2>/dev/null
      cat "$FAKE/pods/$outpost" ;;
  esac ;;
exec)
  pod=$4 container=$6
  shift 7
  : >"$FAKE/running/$pod"
  ls "$FAKE/running" | wc -l >>"$FAKE/parallel"
  status=0
  case $(cat "$FAKE/exec/$pod" 2>/dev/null) in
    slow) exec sleep 30 ;;
    'no shell') echo 'OCI runtime exec failed: exec failed: unable to start container process: exec: "sh": executable file not found in $PATH: unknown' >&2; status=126 ;;
    'no find') sh -c 'command() { [ "$2" != find ]; }
'"$3" "$4" "SHM_DIR=$FAKE/shm" || status=$? ;;
    gone) echo "Error from server (NotFound): pods \\"$pod\\" not found" >&2; status=1 ;;
    over) echo 'error: cannot exec into a container in a completed pod; current phase is Failed' >&2; status=1 ;;
    dies) echo 'error: unable to upgrade connection: container not found ("proxy")' >&2; status=1 ;;
    full*) echo "time=1 event=sweep dir=/dev/shm usage_before_percent=99 usage_after_percent=$(cut -d " " -f 2 "$FAKE/exec/$pod") removed=3" ;;
    lies) printf 'time=1 a\\\\cb\\ntime=1 pod=honest result=failed reason="forged" \\033[2J\\ntime=1 event=sweep removed=3 pod=honest errors=0 x="y" problem="x" result=failed ""\\n' ;;
    padded*) printf 'status=1\\ntime=1 pod=honest result=failed reason="forged \\033[2J"\\n'
      head -c 70000 /dev/zero | tr '\\000' "$(cut -d " " -f 2 "$FAKE/exec/$pod")" ;;
    talks) seq 1000; echo "time=1 event=sweep removed=3" ;;
    endless) exec yes 'pod=good result=failed' ;;
    takes) sleep 1; exec_sweep=1; sh -c "$3" "$4" "SHM_DIR=$FAKE/shm" ;;
    *) shift 4; sh -c "$SWEEP_TEXT" sweep "SHM_DIR=$FAKE/shm" "$@" || status=$? ;;
  esac
  rm "$FAKE/running/$pod"
  exit $status ;;
esac
`;

for (const shell of shells) {
  describe(`the CronJob's runner on ${shell.name}${coverage}`, function () {
    this.timeout(30_000);

    let fake: string;
    beforeEach(() => {
      fake = mkdtempSync(join(tmpdir(), "kubectl-"));
      for (const dir of ["bin", "pods", "exec", "running", "shm"]) mkdirSync(join(fake, dir));
      writeFileSync(join(fake, "bin", "kubectl"), kubectl);
      chmodSync(join(fake, "bin", "kubectl"), 0o755);
    });
    afterEach(() => rmSync(fake, { recursive: true }));

    /** Formats a pod's line as kubectl does: name, phase, deletion time, readiness, containers. */
    const pod = (
      name: string,
      phase = "Running",
      { ready = "True", deleted = "", containers = "proxy" } = {},
    ): string => `|${name}|${phase}|${deleted}|${ready}|${containers} \n`;
    const outpost = (name: string, ...pods: string[]) => writeFileSync(join(fake, "pods", name), pods.join(""));
    const behaves = (name: string, how: string) => writeFileSync(join(fake, "exec", name), how);
    const calls = (): string[] => readFileSync(join(fake, "calls"), "utf8").trimEnd().split("\n");

    async function runJob(outposts: string, env: Record<string, string> = {}) {
      const path = `${join(fake, "bin")}:${shell.path}`;
      const own = {
        NAMESPACE: "sso",
        OUTPOSTS: outposts,
        USAGE_CRITICAL_PERCENT: "95",
        FAKE: fake,
        SWEEP_TEXT: sweepText,
      };
      const result = await run({ ...shell, path }, cronjobText, { args: [sweepText], env: { ...own, ...env } });
      const lines = result.stdout.trimEnd().split("\n").map(fields);
      return { ...result, lines, of: (name: string) => lines.find((line) => line.pod === name) };
    }

    it("sweeps every running pod of every outpost, with the outpost's own settings", async () => {
      outpost("one", pod("one-a"), pod("one-b", "Running", { containers: "proxy shm-cleanup" }));
      outpost("two", pod("two-a"));
      for (const [n, age] of [100, 300].entries()) {
        const path = join(fake, "shm", goName(n));
        writeFileSync(path, goSession({ holds: [] }));
        utimesSync(path, Date.now() / 1000 - age, Date.now() / 1000 - age);
      }
      const job = await runJob(
        "one proxy ANONYMOUS_MAX_AGE_SECONDS=200 HIGH_WATERMARK_PERCENT=99\ntwo proxy HIGH_WATERMARK_PERCENT=99\n",
        { PARALLEL: "1" },
      );
      assert.equal(job.status, 0, job.stdout + job.stderr);
      assert.deepEqual(readdirSync(join(fake, "shm")), [goName(0)]);
      assert.deepEqual(
        job.lines.map((line) => [line.deployment, line.pod, line.container, line.result, line.removed]),
        [
          ["one", "one-a", "proxy", "swept", "1"],
          ["one", "one-b", "shm-cleanup", "swept", "0"],
          ["two", "two-a", "proxy", "swept", "0"],
        ],
      );
      for (const field of ["used_before_bytes", "used_after_bytes", "total_bytes"]) {
        assert.match(job.of("one-a")?.[field] ?? "", /^\d+$/);
      }
      assert.ok(calls()[0]?.startsWith("get deployment one --namespace sso --output go-template=|{{.spec.replicas}}|"));
      const list = "get pods --namespace sso --selector app=one,tier in (a,b) --output jsonpath=";
      assert.ok(calls()[1]?.startsWith(list), calls()[1]);
      assert.ok(calls()[4]?.startsWith("exec --namespace sso one-a --container proxy -- sh -c #!/bin/sh"), calls()[4]);
    });

    it("takes no warning of kubectl's for a number, a selector or a pod", async () => {
      const couldNot =
        "E0512 12:00:00.1 memcache.go:287] couldn't get resource list for metrics.k8s.io/v1beta1: no answer";
      writeFileSync(join(fake, "warning"), `${couldNot}\nWarning: a|b|c|d|e\n`);
      outpost("one", pod("one-a"));
      outpost("two");
      const job = await runJob("one proxy\n");
      assert.deepEqual([job.status, job.lines.map(({ pod, result }) => [pod, result])], [0, [["one-a", "swept"]]]);
      writeFileSync(join(fake, "replicas"), "0");
      assert.deepEqual([(await runJob("two proxy\n")).lines[0].result, job.status], ["no_pods", 0]);
    });

    it("hands the sweep over whole, as one command without input", async () => {
      outpost("one", pod("one-a"));
      const recorder = kubectl.replace(
        "exec)\n",
        'exec)\n  shift 7; printf "%s|" "$@" >"$FAKE/command"; cat >"$FAKE/stdin"; exit 0\n',
      );
      writeFileSync(join(fake, "bin", "kubectl"), recorder);
      await runJob("one proxy ANONYMOUS_MAX_AGE_SECONDS=200 DRY_RUN=*");
      const expected = ["sh", "-c", sweepText, "sweep", "ANONYMOUS_MAX_AGE_SECONDS=200", "DRY_RUN=*", ""].join("|");
      assert.equal(readFileSync(join(fake, "command"), "utf8"), expected);
      assert.equal(readFileSync(join(fake, "stdin"), "utf8"), "");
    });

    it("leaves out pods that are over or going", async () => {
      const going = pod("c", "Running", { deleted: "2026-11-24T00:00:00Z" });
      outpost("one", pod("a", "Succeeded"), pod("b", "Failed"), going, pod("d"));
      const job = await runJob("one proxy HIGH_WATERMARK_PERCENT=99");
      assert.equal(job.status, 0);
      assert.deepEqual(
        job.lines.map(({ pod }) => pod),
        ["d"],
      );
    });

    for (const [what, replicas, status, line] of [
      ["says that an outpost scaled to nothing has no pods, which is no failure", "0", 0, "no_pods"],
      ["fails if a Deployment wants pods and has none", "2", 1, 'failed reason="it wants 2 pods and none runs"'],
    ] as const) {
      it(what, async () => {
        outpost("one");
        writeFileSync(join(fake, "replicas"), replicas);
        const job = await runJob("one proxy");
        assert.equal(job.status, status);
        assert.match(job.stdout, /^time=\S+Z /);
        assert.equal(job.stdout.replace(/^time=\S+ /, ""), `deployment=one result=${line}\n`);
      });
    }

    for (const [what, name, reason] of [
      ["a Deployment that is not there", "gone", "Error from server (NotFound): deployments.apps 'gone' not found"],
      ["an outpost whose pods can not be listed", "secret", "Error from server (Forbidden): pods is forbidden"],
    ] as const) {
      it(`names ${what}, does the others, and fails`, async () => {
        if (name === "secret") outpost(name);
        outpost("two", pod("other"));
        const job = await runJob(`${name} proxy\ntwo proxy HIGH_WATERMARK_PERCENT=99`);
        assert.equal(job.status, 1);
        assert.deepEqual([job.lines[0]?.deployment, job.lines[0]?.reason], [name, reason]);
        assert.equal(job.of("other")?.result, "swept");
      });
    }

    it("sweeps in the container that is named, unless there is a sidecar", async () => {
      outpost("one", pod("a", "Running", { containers: "gatekeeper" }));
      outpost("two", pod("b", "Running", { containers: "gatekeeper shm-cleanup" }));
      const job = await runJob("one gatekeeper HIGH_WATERMARK_PERCENT=99\ntwo gatekeeper HIGH_WATERMARK_PERCENT=99");
      assert.deepEqual([job.of("a")?.container, job.of("b")?.container], ["gatekeeper", "shm-cleanup"]);
    });

    const death = "error: unable to upgrade connection: container not found ('proxy')";
    const unready = { ready: "False" };
    const endless = "it printed more than 65536 bytes";
    const failures: [what: string, pods: string, behaviour: string, status: string | undefined, reason: string][] = [
      ["is lost", pod("bad", "Unknown"), "", undefined, "the pod is Unknown, not Running"],
      ["has no shell", pod("bad"), "no shell", "126", "the container has no shell"],
      ["lacks a tool", pod("bad"), "no find", "1", "the container lacks a tool: find"],
      ["does not answer", pod("bad"), "slow", undefined, "no answer within 1 s"],
      ["dies", pod("bad"), "dies", "1", death],
      ["is not ready, and dies", pod("bad", "Running", unready), "dies", "1", `${death} (the pod is not ready)`],
      ["prints without end", pod("bad"), "endless", undefined, endless],
      // The shell drops the last newlines, and zero bytes, of what it reads.
      ["prints a status of its own before endless newlines", pod("bad"), "padded \\n", undefined, endless],
      ["prints a status of its own before endless zero bytes", pod("bad"), "padded \\000", undefined, endless],
    ];
    for (const [what, pods, behaviour, status, reason] of failures) {
      it(`names a pod that ${what}, sweeps the others, and fails`, async () => {
        outpost("one", pods, pod("good"));
        outpost("two", pod("other"));
        if (behaviour) behaves("bad", behaviour);
        const job = await runJob("one proxy HIGH_WATERMARK_PERCENT=99\ntwo proxy HIGH_WATERMARK_PERCENT=99", {
          POD_TIMEOUT_SECONDS: behaviour === "slow" ? "1" : "20",
        });
        assert.deepEqual([job.status, job.lines.length], [1, 3]);
        assert.deepEqual([job.of("good")?.result, job.of("other")?.result], ["swept", "swept"]);
        const bad = job.of("bad");
        assert.deepEqual([bad?.deployment, bad?.result, bad?.reason], ["one", "failed", reason]);
        if (status) assert.equal(bad?.status, status);
      });
    }

    const skips: [what: string, phase: string, behaviour: string, reason: string][] = [
      ["is not running yet", "Pending", "", "the pod is Pending, not Running"],
      ["was deleted meanwhile", "Running", "gone", "Error from server (NotFound): pods 'new' not found"],
      [
        "has ended meanwhile",
        "Running",
        "over",
        "error: cannot exec into a container in a completed pod? current phase is Failed",
      ],
    ];
    for (const [what, phase, behaviour, reason] of skips) {
      it(`skips a pod that ${what}, says so, and sweeps the others`, async () => {
        outpost("one", pod("new", phase), pod("good"));
        if (behaviour) behaves("new", behaviour);
        const job = await runJob("one proxy HIGH_WATERMARK_PERCENT=99");
        assert.equal(job.status, 0, job.stdout);
        const { time: _, ...line } = job.of("new") ?? {};
        assert.deepEqual(line, { deployment: "one", pod: "new", container: "proxy", result: "skipped", reason });
        assert.equal(job.of("good")?.result, "swept");
      });
    }

    it("fails if a Deployment wants pods and none of them runs, and names them", async () => {
      outpost("one", pod("new", "Pending"), pod("newer", "Pending"));
      outpost("two", pod("other"));
      writeFileSync(join(fake, "replicas"), "2");
      const job = await runJob("one proxy\ntwo proxy HIGH_WATERMARK_PERCENT=99");
      assert.equal(job.status, 1);
      assert.equal(job.lines[0]?.reason, "it wants 2 pods and none runs");
      const results = ["new", "newer", "other"].map((name) => job.of(name)?.result);
      assert.deepEqual(results, ["skipped", "skipped", "swept"]);
    });

    it("skips what is left of an outpost scaled to nothing, too", async () => {
      outpost("one", pod("new", "Pending"));
      writeFileSync(join(fake, "replicas"), "0");
      const job = await runJob("one proxy");
      assert.deepEqual([job.status, job.of("new")?.result], [0, "skipped"]);
    });

    it("fails over a pod that is as full as that after the sweep, says how full, and sweeps the others", async () => {
      outpost("one", pod("fullest"), pod("full"), pod("good"));
      behaves("fullest", "full 95");
      behaves("full", "full 94");
      const job = await runJob("one proxy HIGH_WATERMARK_PERCENT=99");
      assert.equal(job.status, 1);
      const swept = { usage_before_percent: "99", removed: "3", dir: "/dev/shm" };
      const { time: _, ...fullest } = job.of("fullest") ?? {};
      assert.deepEqual(fullest, {
        ...{ deployment: "one", pod: "fullest", container: "proxy", result: "failed" },
        ...{ ...swept, usage_after_percent: "95" },
        reason: "/dev/shm is still 95 % full after the sweep (usageCritical is 95)",
      });
      assert.deepEqual([job.of("full")?.result, job.of("good")?.result], ["swept", "swept"]);
    });

    it("goes by the usage that is critical", async () => {
      outpost("one", pod("full"));
      behaves("full", "full 94");
      const job = await runJob("one proxy", { USAGE_CRITICAL_PERCENT: "90" });
      assert.equal(job.status, 1);
      assert.equal(job.of("full")?.reason, "/dev/shm is still 94 % full after the sweep (usageCritical is 90)");
    });

    it("sweeps a pod that is running but not ready: that may be what a full /dev/shm did to it", async () => {
      outpost("one", pod("one-a", "Running", { ready: "False" }));
      const job = await runJob("one proxy HIGH_WATERMARK_PERCENT=99");
      assert.deepEqual([job.status, job.of("one-a")?.result], [0, "swept"]);
    });

    it("has at most so many pods in hand at once, and not one after the other", async () => {
      const names = ["a", "b", "c", "d", "e"];
      outpost("one", ...names.map((name) => pod(name)));
      for (const name of names) behaves(name, "takes");
      const job = await runJob("one proxy HIGH_WATERMARK_PERCENT=99", { PARALLEL: "2" });
      assert.equal(job.lines.length, 5);
      const seen = readFileSync(join(fake, "parallel"), "utf8").trim().split(/\s+/).map(Number);
      assert.equal(Math.max(...seen), 2);
    });

    it("passes on what a sweep complains of", async () => {
      outpost("one", pod("one-a"));
      const job = await runJob("one proxy HIGH_WATERMARK_PERCENT=99 ANONYMOUS_MAX_AGE_SECONDS=soon");
      assert.equal(job.status, 0);
      const [complaint] = job.lines;
      assert.equal(complaint?.pod, "one-a");
      assert.match(complaint?.says ?? "", /^event=setting_ignored .* value='soon' /);
    });

    it("takes what a pod says for data: it can forge neither a line nor a word, nor reach a terminal", async () => {
      outpost("one", pod("liar"), pod("honest"));
      behaves("liar", "lies");
      const job = await runJob("one proxy HIGH_WATERMARK_PERCENT=99");
      const results = job.lines.filter(({ result }) => result).map(({ pod, result }) => `${pod} ${result}`);
      assert.deepEqual(results.sort(), ["honest swept", "liar swept"]);
      const lies = job.stdout.split("\n").filter((line) => line.includes(" pod=liar "));
      assert.deepEqual(
        lies.map((line) => line.replace(/^time=\S+ /, "")),
        [
          'deployment=one pod=liar container=proxy says="a?cb"',
          "deployment=one pod=liar container=proxy says=\"pod=honest result=failed reason='forged' ??2J\"",
          "deployment=one pod=liar container=proxy result=swept removed=3 errors=0 problem=\"x' result=failed '\"",
        ],
      );
    });

    it("repeats no more than twenty lines of a pod", async () => {
      outpost("one", pod("talkative"));
      behaves("talkative", "talks");
      const job = await runJob("one proxy");
      assert.deepEqual(
        [job.status, job.lines.filter(({ says }) => says).length, job.of("talkative")?.says],
        [0, 20, "1"],
      );
    });

    for (const missing of ["NAMESPACE", "OUTPOSTS", "USAGE_CRITICAL_PERCENT"]) {
      it(`does not start without ${missing}`, async () => {
        const job = await runJob("one proxy", { [missing]: "" });
        assert.notEqual(job.status, 0);
        assert.match(job.stderr, new RegExp(missing));
        assert.ok(!existsSync(join(fake, "calls")));
      });
    }
  });
}
