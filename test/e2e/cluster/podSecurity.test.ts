// The restricted Pod Security Standard, by the API server's own admission. The pods that the program has made are dry-run in the
// scenario's namespace once it enforces the standard.
import assert from "node:assert/strict";
import type { V1PodTemplateSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { closeScenarios, openScenario, type Scenario } from "./scenario";

describe("Pod Security `restricted`", () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await openScenario({ name: "restricted", config: { solution: "both" } });
    await scenario.stack.up();
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    const { core, merge, namespace } = scenario;
    await core.patchNamespace({ name: namespace, body: { metadata: { labels } } }, merge);
  });

  after(closeScenarios);

  /** Rejects with the admission's reason if the pod would not be let in. */
  const admit = async ({ metadata, spec }: V1PodTemplateSpec): Promise<void> => {
    const body = { metadata: { labels: metadata?.labels, generateName: "test-" }, spec };
    await scenario.core.createNamespacedPod({ namespace: scenario.namespace, body, dryRun: "All" });
  };
  const cronJobTemplate = async (): Promise<V1PodTemplateSpec> => {
    const name = "authentik-outpost-shm-cleanup";
    const cronJob = await scenario.batch.readNamespacedCronJob({ namespace: scenario.namespace, name });
    return cronJob.spec!.jobTemplate.spec!.template;
  };

  it("admits an outpost's pod with the sidecar", async () => {
    await admit((await scenario.deployment("main")).spec!.template);
  });

  it("admits the CronJob's pod", async () => {
    await admit(await cronJobTemplate());
  });

  it("is enforced: the same pods without what the standard asks for are refused", async () => {
    const outpost = (await scenario.deployment("main")).spec!.template;
    delete outpost.spec!.initContainers![0].securityContext!.capabilities;
    await assert.rejects(
      admit(outpost),
      /violates PodSecurity[^]*unrestricted capabilities \(container \\+"shm-cleanup/,
    );
    const job = await cronJobTemplate();
    delete job.spec!.securityContext;
    await assert.rejects(admit(job), /violates PodSecurity[^]*runAsNonRoot != true/);
  });
});
