// The end of an update whose rollout hangs: kwok's node accepts pods or none, and a quota refuses them.
import assert from "node:assert/strict";
import { failure } from "./harness";
import { cordon, withOnePod } from "./kubectl";
import { outpostShm } from "./outpostShm";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

/** A finding of doctor, or a check of verify. */
interface Line {
  check: string;
  seen: string;
  passed?: boolean;
}

describe("an update whose rollout does not end", function () {
  this.timeout(180_000);
  after(closeScenarios);

  /** Returns the update's error, and the seconds until it came. */
  async function failureOf({ stack }: Scenario): Promise<{ message: string; took: number }> {
    const began = Date.now();
    const message = await failure(stack.up());
    return { message, took: (Date.now() - began) / 1000 };
  }

  it("fails early where Kubernetes refuses the pods, in its words, as doctor and verify do; and the next one mends it", async () => {
    const scenario = await openScenario({ name: "refused", config: { verifyTimeout: "10m" } });
    await withOnePod(scenario, async () => {
      const { message, took } = await failureOf(scenario);
      assert.ok(took > 30 && took < 90, `${took} s`);
      assert.match(
        message,
        /\nmain {5}containers {2}FAIL {4}0 of 1 pods updated; Kubernetes refuses new pods: pods "ak-outpost-main-\S+" is forbidden: exceeded quota: one-pod/,
      );
      assert.match(message, /\nmain containers: Change what refuses them, .* describe deployment ak-outpost-main\n/);
      const refused =
        /^0 of 1 pods updated; Kubernetes refuses new pods: pods "ak-outpost-main-\S+" is forbidden: exceeded quota: one-pod, /;
      for (const [command, check] of [
        ["doctor", "rollout"],
        ["verify", "containers"],
      ]) {
        const { code, stdout } = await outpostShm(scenario, [command, "-o", "json"]);
        const { findings, checks } = JSON.parse(stdout) as Record<string, Line[]>;
        const [line, ...more] = (findings ?? checks).filter((each) => each.check === check);
        assert.deepEqual([code, line.passed ?? false, more], [1, false, []]);
        assert.match(line.seen, refused);
      }
      // Everything but the wait is done, and the stack knows it.
      assert.deepEqual((await scenario.deployment("main")).spec?.template.spec?.initContainers?.length, 1);
      const types = (await scenario.stack.urns()).map((urn) => urn.split("$").at(-1)!.split("::")[0]);
      assert.ok(types.includes("kubernetes:apps/v1:DeploymentPatch"), String(types));
      assert.ok(!types.includes("command:local:Command"), String(types));
    });
    // Which is awaited, too, where the Deployment itself bears none of authentik's labels.
    const { apps, merge, namespace } = scenario;
    const body = { metadata: { labels: { "goauthentik.io/outpost-type": null } } };
    await apps.patchNamespacedDeployment({ namespace, name: "ak-outpost-main", body }, merge);
    await scenario.stack.up();
    assert.equal((await scenario.deployment("main")).status?.updatedReplicas, 1);
  });

  it("fails after verifyTimeout where pods find no node, also by authentik, and is awaited again until it is over", async () => {
    const config = { delivery: "authentik", verifyTimeout: "10s" };
    const scenario = await openScenario({ name: "no-node", authentik: true, config });
    await cordon(scenario.kubeconfig, true);
    try {
      for (const attempt of ["first", "second"]) {
        const { message, took } = await failureOf(scenario);
        assert.ok(took > 10 && took < 30, `${took} s`);
        const expected = /\nmain {5}containers {2}FAIL {4}pod \S+: it finds no node: Unschedulable \(0\/1 nodes/;
        assert.match(message, expected, attempt);
      }
    } finally {
      await cordon(scenario.kubeconfig, false);
    }
    await scenario.stack.up();
    assert.equal((await scenario.deployment("main")).status?.updatedReplicas, 1);
  });
});
