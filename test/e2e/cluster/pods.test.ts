// What becomes of an outpost's pods, by the API server's own admission and controllers: the memory limit they get,
// new pods that are refused, and who writes the Deployment.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { waitUntil } from "../../../sandbox/waitUntil";
import { warnings } from "./harness";
import { patchPodSpec, waitForRollout, withOnePod } from "./kubectl";
import { outpostShm } from "./outpostShm";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

interface Line {
  check: string;
  seen: string;
}

describe("an outpost's pods", () => {
  after(closeScenarios);

  async function command(scenario: Scenario, name: "doctor" | "verify"): Promise<Line[]> {
    const { code, stdout, stderr } = await outpostShm(scenario, [name, "-o", "json"]);
    assert.equal(code, 1, stderr);
    const { findings, checks } = JSON.parse(stdout) as Record<string, (Line & { passed?: boolean })[]>;
    return findings ?? checks.filter(({ passed }) => !passed);
  }
  const seenBy = async (scenario: Scenario, name: "doctor" | "verify", check: string): Promise<string[]> =>
    (await command(scenario, name)).filter((line) => line.check === check).map(({ seen }) => seen);

  it("get the limit of a LimitRange: the preflight and doctor judge that", async () => {
    const scenario = await openScenario({ name: "limit-range" });
    const { core, namespace } = scenario;
    const name = "mem-limit-range";
    // The manifest of Kubernetes' own page on default memory limits, with a smaller one.
    const limits = [{ type: "Container", _default: { memory: "256Mi" }, defaultRequest: { memory: "64Mi" } }];
    await core.createNamespacedLimitRange({ namespace, body: { metadata: { name }, spec: { limits } } });
    const [warning] = warnings(await scenario.stack.up()).filter((message) => message.includes("memory limit"));
    assert.match(
      warning,
      /: container proxy has a memory limit of 256Mi \(the default of LimitRange mem-limit-range\), /,
    );
    await waitForRollout(scenario, "main");
    const judged = (from: string) => [
      `container proxy has a memory limit of 256Mi (${from}), and /dev/shm is of 256Mi`,
    ];
    assert.deepEqual(await seenBy(scenario, "doctor", "memory"), judged("the default of LimitRange mem-limit-range"));
    // Its pods keep the limit when the LimitRange is gone.
    await core.deleteNamespacedLimitRange({ namespace, name });
    const [seen] = await seenBy(scenario, "doctor", "memory");
    assert.match(
      seen,
      /^container proxy has a memory limit of 256Mi \(by pod ak-outpost-main-\S+; the Deployment itself has none\), /,
    );
  });

  it("that Kubernetes refuses are named by doctor and verify, in its words", async () => {
    const scenario = await openScenario({ name: "refused-pods" });
    await scenario.stack.up();
    await waitForRollout(scenario, "main");
    await withOnePod(scenario, async () => {
      await patchPodSpec(scenario, "main", "kubectl-edit", { terminationGracePeriodSeconds: 31 });
      const isRefused = async () => {
        const { conditions = [] } = (await scenario.deployment("main")).status ?? {};
        return conditions.some(({ type }) => type === "ReplicaFailure") || undefined;
      };
      await waitUntil(isRefused, { what: "the refusal", timeoutMs: 30_000 });
      const [rollout, ...more] = await seenBy(scenario, "doctor", "rollout");
      const [containers, ...others] = await seenBy(scenario, "verify", "containers");
      const refused =
        /^0 of 1 pods updated; Kubernetes refuses new pods: pods "ak-outpost-main-\S+" is forbidden: exceeded quota: one-pod, /;
      for (const seen of [rollout, containers]) assert.match(seen, refused);
      assert.deepEqual([more, others], [[], []]);
    });
  });

  it("are listed with names of 253 characters, the longest that Kubernetes allows", async () => {
    const scenario = await openScenario({ name: "long-names" });
    const { core, namespace } = scenario;
    const name = "p".repeat(253);
    const labels = { "goauthentik.io/outpost-type": "proxy", "goauthentik.io/outpost-name": "main" };
    const spec = { containers: [{ name: "proxy", image: "ghcr.io/goauthentik/proxy:2026.5.0" }] };
    await core.createNamespacedPod({ namespace, body: { metadata: { name, labels }, spec } });
    for (const command of [["status"], ["cleanup", "--all", "--dry-run"]]) {
      const { stdout, stderr } = await outpostShm(scenario, [...command, name]);
      assert.equal(stderr, "");
      assert.match(stdout, new RegExp(`^${name} {2}`, "m"));
    }
  });

  it("are restarted by two programs that write one field in turn: doctor names the last writer", async () => {
    const scenario = await openScenario({ name: "two-writers" });
    // managedFields have whole seconds.
    await pause(1_005 - (Date.now() % 1_000));
    const container = { name: "proxy", image: "ghcr.io/goauthentik/proxy:2026.5.1" };
    await patchPodSpec(scenario, "main", "keel", { containers: [container] });
    const [seen, ...more] = await seenBy(scenario, "doctor", "writes");
    assert.match(
      seen,
      /^the image of container proxy, which authentik sets, was written last by keel; last writes: keel \(Update\) at \S+Z: spec\.template\.spec\.containers\[proxy\]\.image; goauthentik\.io \(Update\) at \S+Z: /,
    );
    assert.deepEqual(more, []);
  });
});
