// A hundred pods swept by one Job.
import assert from "node:assert/strict";
import { ASLEEP_IMAGE, ASLEEP_SESSIONS } from "../../../sandbox/node/podNode";
import { finishedJob, startJob, type JobRun } from "./jobs";
import { closeScenario, openScenario, type Scenario } from "./scenario";

const replicas = 100;
/** Number of execs at a time, as in the CronJob's manifest. */
const parallel = 8;

describe("a hundred pods", function () {
  this.timeout(400_000);
  let scenario: Scenario;
  let run: JobRun;
  let atOnce: number[];

  before(async () => {
    scenario = await openScenario({
      name: "many",
      outposts: [{ name: "main", replicas, image: ASLEEP_IMAGE }],
      config: { solution: "cronjob" },
      availableWithinMs: 240_000,
    });
    await scenario.stack.up();
    await startJob(scenario, "many");
    atOnce = await countExecs(scenario, "many");
    run = await finishedJob(scenario, "many");
  });

  after(() => closeScenario(scenario));

  it("are all swept by one run, each of all its dead sessions", () => {
    assert.equal(run.outcome, "Complete");
    assert.equal(run.attempts.length, 1);
    const [lines] = run.attempts;
    assert.equal(new Set(lines.map(({ pod }) => pod)).size, replicas);
    for (const { result, removed, inodes_after } of lines)
      assert.deepEqual(
        { result, removed, inodes_after },
        { result: "swept", removed: String(ASLEEP_SESSIONS), inodes_after: "1" },
      );
  });

  it("are swept several at once, and never more than the CronJob allows", () => {
    const most = Math.max(...atOnce);
    assert.ok(most > 1 && most <= parallel, `at most ${most} at once, of ${atOnce.join(", ")}`);
  });

  it("take as long as their rounds, not as their sum: wall time against the slowest pod", () => {
    const [lines] = run.attempts;
    const slowest = Math.max(...lines.map(({ duration_ms }) => Number(duration_ms))) / 1000;
    console.log(`      ${replicas} pods in ${run.seconds} s; the slowest pod's sweep took ${slowest} s`);
    assert.ok(run.seconds < 120, `${run.seconds} s`);
  });
});

/** Counts the execs that the Job's pod has under way, again and again while it runs. */
async function countExecs(scenario: Scenario, job: string): Promise<number[]> {
  const pod = await scenario.until("the Job's pod to run", async () => {
    const name = await scenario.kubectl(
      "get",
      "pods",
      `--selector=job-name=${job}`,
      "--output=jsonpath={.items[0].metadata.name}",
    );
    return (await scenario.tryKubectl("exec", name, "--", "true")).status === 0 ? name : undefined;
  });
  const script =
    "while :; do for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$file; echo; done 2>/dev/null | grep -c '^kubectl exec'; done";
  const { stdout } = await scenario.tryKubectl("exec", pod, "--", "sh", "-c", script); // ends with the pod
  return stdout.trim().split("\n").map(Number);
}
