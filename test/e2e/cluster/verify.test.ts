// `verify: true` through the real engine on a real API server. Nothing runs in the pods here: Jobs end as kwok plays them, and
// test/e2e/node shows what a sidecar does.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Report } from "../../../sandbox/engine";
import { failed } from "./harness";
import { NO_SCHEDULE } from "./sweepCommand";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

const commandType = "command:local:Command";

const commands = ({ steps }: Report): string[] =>
  steps.filter(({ op, type }) => type === commandType && !["same", "refresh"].includes(op)).map(({ op }) => op);

describe("verify: true", () => {
  let scenario: Scenario;
  const config = (changed: Record<string, unknown> = {}) =>
    scenario.configure({ verify: true, verifyTimeout: "30s", solution: "cronjob", schedule: NO_SCHEDULE, ...changed });

  before(async () => {
    scenario = await openScenario({ name: "verify" });
    await config();
  });
  after(closeScenarios);

  const quota = "no-jobs";
  const forbidJobs = () => {
    const body = { metadata: { name: quota }, spec: { hard: { "count/jobs.batch": "0" } } };
    return scenario.core.createNamespacedResourceQuota({ namespace: scenario.namespace, body });
  };
  const allowJobs = () => scenario.core.deleteNamespacedResourceQuota({ namespace: scenario.namespace, name: quota });

  it("fails the update where a check fails, after all else is done", async () => {
    await forbidJobs();
    const { message, report } = await failed(scenario.stack.up());
    assert.match(message, /exceeded quota: no-jobs/);
    assert.match(message, /error: Kubernetes refused to create Job test-verify\/authentik-outpost-shm-cleanup-verify-/);
    assert.deepEqual(commands(report), ["create"]);
    assert.ok((await scenario.objects())["CronJob/authentik-outpost-shm-cleanup"]);
    await allowJobs();
  });

  it("runs again at the next update and passes once the cause is gone, says what it saw, and is not made again", async () => {
    // As text with credentials in it, the kubeconfig is a secret, and so is everything that the command prints.
    await config({ "kubernetes:kubeconfig": readFileSync(scenario.kubeconfig, "utf8") });
    const up = await scenario.stack.up();
    assert.deepEqual(commands(up), ["create"]);
    const said = up.diagnostics.map(({ message }) => message).join("\n");
    assert.match(said, /CronJob {2}schedule {2}pass {4}0 0 29 2 \*, active; sweeps ak-outpost-main\n/);
    assert.match(
      said,
      /CronJob {2}run {7}pass {4}Job authentik-outpost-shm-cleanup-verify-[0-9a-f]{6} succeeded \ds ago\n/,
    );
    assert.match(
      said,
      /CronJob {2}rbac {6}pass {4}ServiceAccount authentik-outpost-shm-cleanup may list pods and exec in them/,
    );
    assert.match(said, /All 4 checks passed\./);
    assert.deepEqual(commands(await scenario.stack.up()), []);
  });

  it("is made again when what it checks changes, and says what to do about a sidecar that does not come up", async () => {
    await config({ solution: "sidecar", verifyTimeout: "10s" });
    const { message, report } = await failed(scenario.stack.up());
    assert.ok(commands(report).includes("create-replacement"), String(commands(report)));
    assert.match(message, /main {5}volume {6}pass {4}dshm of 256Mi, in memory, on \/dev\/shm of both containers\n/);
    assert.match(message, /main {5}size {8}FAIL {4}pod ak-outpost-main-\S+: its size is not known: /);
    assert.match(message, /main {5}sessions {4}pass {4}1 pod: sessions are in \/dev\/shm: its image sets TMPDIR\n/);
    assert.match(message, /main {5}sweep {7}FAIL {4}pod ak-outpost-main-\S+: the metrics endpoint did not tell: /);
    assert.match(
      message,
      /\nmain sweep: See what it says: kubectl --kubeconfig \S+ --context \S+ --namespace test-verify logs ak-outpost-main-\S+ -c shm-cleanup\n/,
    );
    assert.match(message, /\n2 of 6 checks failed\./);
    const again = commands((await failed(scenario.stack.up())).report);
    assert.ok(again.includes("create-replacement"), String(again));
  });

  it("is gone with the stack, and runs nothing then", async () => {
    assert.deepEqual(commands(await scenario.stack.destroy()), ["delete", "delete"]); // the wait for the rollout, too
  });
});
