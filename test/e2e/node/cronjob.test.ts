// A Job from the CronJob, run in the cluster by its own image and account, where Pod Security `restricted` is enforced: its report on
// every pod, and whether that is true.
import assert from "node:assert/strict";
import { SHELL_LESS_IMAGE } from "../../../sandbox/node/podNode";
import { visit, visitExactly } from "../../../sandbox/node/visits";
import { finishedJob, runJob, startJob, type JobRun, type Line } from "./jobs";
import { closeScenario, openScenario, type Scenario } from "./scenario";

const page = 4096;
/** Content of every pod before a run. */
const sessions = { oldVisitors: 300, youngVisitors: 40, oldLogins: 20 };

describe("a Job from the CronJob", function () {
  this.timeout(300_000);
  let scenario: Scenario;

  before(async () => {
    scenario = await openScenario({
      name: "cronjob",
      labels: { "pod-security.kubernetes.io/enforce": "restricted" },
      outposts: [
        { name: "Alpha", replicas: 3 },
        { name: "beta", replicas: 2 },
        { name: "bare", image: SHELL_LESS_IMAGE },
        { name: "dying" },
        { name: "full" },
      ],
      config: { outposts: ["Alpha", "beta"], solution: "cronjob", anonymousMaxAge: "1h" },
    });
    await scenario.stack.up();
  });

  after(() => closeScenario(scenario));

  describe("over healthy pods of two outposts", () => {
    let run: JobRun;
    let pods: { outpost: string; name: string }[];

    before(async () => {
      pods = await podsOf(scenario, "Alpha", "beta");
      for (const { name } of pods) await fill(scenario, name);
      run = await runJob(scenario, "healthy");
    });

    it("completes, with a line for every pod and each once", () => {
      assert.equal(run.outcome, "Complete");
      assert.equal(run.attempts.length, 1);
      assert.deepEqual(namesIn(run.attempts[0]), pods.map(({ name }) => name).sort());
    });

    it("tells what was there before and after, as the pods themselves have it", async () => {
      const before = sessions.oldVisitors + sessions.youngVisitors + sessions.oldLogins;
      const left = sessions.youngVisitors + sessions.oldLogins;
      for (const { outpost, name } of pods) {
        const line = lineOf(run.attempts[0], name);
        const expected = {
          deployment: `ak-outpost-${outpost}`,
          container: "proxy",
          result: "swept",
          dir: "/dev/shm",
          usage_before_percent: String(Math.floor((before * page * 100) / (64 * 1024 * 1024))),
          used_before_bytes: String(before * page),
          used_after_bytes: String(left * page),
          total_bytes: String(64 * 1024 * 1024),
          // The directory itself has one.
          inodes_before: String(before + 1),
          inodes_after: String(left + 1),
          removed: String(sessions.oldVisitors),
          expired_anonymous: String(sessions.oldVisitors),
          errors: "0",
        };
        assert.deepEqual({ ...line, ...expected }, line);
        assert.deepEqual([await scenario.files(name), (await scenario.shm(name)).used], [left, left * 4]);
      }
    });
  });

  describe("over pods of which some can't be swept", () => {
    let run: JobRun;
    let healthy: string[];
    const names = { bare: "", dying: "", full: "" };

    before(async () => {
      await scenario.setConfig({
        outposts: ["Alpha", "beta", "bare", "dying", "full"],
        solution: "cronjob",
        anonymousMaxAge: "1h",
      });
      await scenario.stack.up();
      names.bare = await scenario.pod("bare");
      names.dying = await scenario.pod("dying");
      names.full = await scenario.pod("full");
      await scenario.exec(names.full, "proxy", "dd", "if=/dev/zero", "of=/dev/shm/core", "bs=1M", "count=62");
      healthy = (await podsOf(scenario, "Alpha", "beta")).map(({ name }) => name);
      for (const pod of [...healthy, names.dying]) await fill(scenario, pod);
      // Enough files to make the sweep last until it is caught, even if other work keeps the cores busy.
      const many = "cd /dev/shm && seq 1 20000 | sed s/^/session_/ | xargs touch";
      await scenario.exec(names.dying, "proxy", "sh", "-c", many);
      const caught = catchSweep(scenario, names.dying);
      await startJob(scenario, "some");
      await caught; // the sweep has begun and is stopped there
      await scenario.kubectl("delete", "pod", names.dying, "--grace-period=0", "--force");
      run = await finishedJob(scenario, "some");
    });

    it("fails", () => {
      assert.equal(run.outcome, "Failed");
    });

    it("reports the one without a shell", () => {
      assert.deepEqual(failureOf(run, names.bare), { result: "failed", reason: "the container has no shell" });
    });

    it("reports the one that died meanwhile", () => {
      assert.deepEqual(failureOf(run, names.dying), {
        result: "failed",
        reason: "command terminated with exit code 137",
      });
    });

    it("reports the one that is full of what is no session, both times, with what it swept", () => {
      for (const attempt of run.attempts) {
        const { result, reason, removed, usage_after_percent } = lineOf(attempt, names.full);
        assert.deepEqual([result, removed, usage_after_percent], ["failed", "0", "96"]);
        assert.equal(reason, "/dev/shm is still 96 % full after the sweep (usageCritical is 95)");
      }
    });

    it("has cleaned the others all the same", async () => {
      // Sessions that were young at the first run are old by now.
      const dead = sessions.oldVisitors + sessions.youngVisitors;
      const left = sessions.youngVisitors + 2 * sessions.oldLogins;
      for (const pod of healthy) {
        const { result, removed } = lineOf(run.attempts[0], pod);
        assert.deepEqual({ result, removed }, { result: "swept", removed: String(dead) });
        assert.equal(await scenario.files(pod), left);
      }
    });

    it("was tried once more, and swept the dead pod's successor then", async () => {
      assert.equal(run.attempts.length, 2);
      const successor = await scenario.pod("dying");
      assert.equal(lineOf(run.attempts[1], successor).result, "swept");
    });
  });
});

async function podsOf(scenario: Scenario, ...outposts: string[]): Promise<{ outpost: string; name: string }[]> {
  const all = await Promise.all(
    outposts.map(async (outpost) =>
      (await scenario.pods(outpost)).map(({ metadata }) => ({ outpost: outpost.toLowerCase(), name: metadata!.name! })),
    ),
  );
  return all.flat();
}

/** Adds {@link sessions}. The old ones are two hours old. */
async function fill(scenario: Scenario, pod: string): Promise<void> {
  const twoHoursAgo = Math.floor(Date.now() / 1000) - 7200;
  const stamp = "find /dev/shm -name 'session_*' -mmin -30 -exec touch -d @$0 {} +";
  await visit(scenario, pod, { logins: sessions.oldLogins });
  await visitExactly(scenario, pod, sessions.oldVisitors);
  await scenario.exec(pod, "proxy", "sh", "-c", stamp, String(twoHoursAgo));
  await visitExactly(scenario, pod, sessions.youngVisitors);
}

/** Resolves once a sweep has begun in the pod, and stops it there. */
async function catchSweep(scenario: Scenario, pod: string): Promise<void> {
  const script = `
    while :; do
      for process in /proc/[0-9]*; do
        grep -qs '[S]weeps the session files' $process/cmdline && kill -STOP \${process#/proc/} && exit
      done
    done`;
  await scenario.exec(pod, "proxy", "timeout", "60", "sh", "-c", script);
}

const namesIn = (lines: Line[]): string[] => lines.map(({ pod }) => pod).sort();

function lineOf(lines: Line[], pod: string): Line {
  const found = lines.filter((line) => line.pod === pod);
  assert.equal(found.length, 1, `${found.length} lines of ${pod} in ${JSON.stringify(lines)}`);
  return found[0];
}

function failureOf({ attempts }: JobRun, pod: string): { result: string; reason: string } {
  const { result, reason } = lineOf(attempts[0], pod);
  return { result, reason };
}
