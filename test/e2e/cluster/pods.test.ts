// An outpost's pods, by the API server's own admission and controllers: the memory limit they get, Pod
// Security, and who writes the Deployment.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { V1PodTemplateSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { cronJobName } from "../../../cleaner/names";
import { warnings } from "./harness";
import { patchPodSpec, waitForRollout } from "./kubectl";
import { outpostShm } from "./outpostShm";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

describe("an outpost's pods", () => {
  let scenario: Scenario;
  before(async () => {
    scenario = await openScenario({ name: "pods", config: { solution: "both" } });
  });
  after(closeScenarios);

  /** Returns what doctor has seen in one of its checks. */
  async function seen(wanted: string): Promise<string[]> {
    const { code, stdout, stderr } = await outpostShm(scenario, ["doctor", "-o", "json"]);
    assert.equal(code, 1, stderr);
    const { findings } = JSON.parse(stdout) as { findings: { check: string; seen: string }[] };
    return findings.filter(({ check }) => check === wanted).map(({ seen }) => seen);
  }

  it("are listed with names of 253 characters, the longest that Kubernetes allows", async () => {
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
    await core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 });
  });

  it("are restarted by two programs that write one field in turn: doctor names the last writer", async () => {
    // managedFields have whole seconds.
    await pause(1_005 - (Date.now() % 1_000));
    const container = { name: "proxy", image: "ghcr.io/goauthentik/proxy:2026.5.1" };
    await patchPodSpec(scenario, "main", "keel", { containers: [container] });
    const [last, ...more] = await seen("writes");
    assert.match(
      last,
      /^the image of container proxy, which authentik sets, was written last by keel; last writes: keel \(Update\) at \S+Z: spec\.template\.spec\.containers\[proxy\]\.image; goauthentik\.io \(Update\) at \S+Z: /,
    );
    assert.deepEqual(more, []);
  });

  it("get the limit of a LimitRange: the preflight and doctor judge that", async () => {
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
    assert.deepEqual(await seen("memory"), judged("the default of LimitRange mem-limit-range"));
    // Its pods keep the limit when the LimitRange is gone.
    await core.deleteNamespacedLimitRange({ namespace, name });
    const [kept] = await seen("memory");
    assert.match(
      kept,
      /^container proxy has a memory limit of 256Mi \(by pod ak-outpost-main-\S+; the Deployment itself has none\), /,
    );
  });

  it("are admitted by Pod Security `restricted`, as the CronJob's are, and only with all that it asks for", async () => {
    const { batch, core, merge, namespace } = scenario;
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    await core.patchNamespace({ name: namespace, body: { metadata: { labels } } }, merge);
    const admit = ({ metadata, spec }: V1PodTemplateSpec) => {
      const body = { metadata: { labels: metadata?.labels, generateName: "test-" }, spec };
      return core.createNamespacedPod({ namespace, body, dryRun: "All" });
    };
    const outpost = (await scenario.deployment("main")).spec!.template;
    const job = (await batch.readNamespacedCronJob({ namespace, name: cronJobName })).spec!.jobTemplate.spec!.template;
    for (const template of [outpost, job]) await admit(template);
    delete outpost.spec!.initContainers![0].securityContext!.capabilities;
    await assert.rejects(
      admit(outpost),
      /violates PodSecurity[^]*unrestricted capabilities \(container \\+"shm-cleanup/,
    );
    delete job.spec!.securityContext;
    await assert.rejects(admit(job), /violates PodSecurity[^]*runAsNonRoot != true/);
  });
});
