// The fate of the cluster and of the stack's state if one of them is not as the other expects it.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStack, type EngineStack } from "../../../sandbox/engine";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { configNamespace } from "../../../settings/types";
import { failed, failure } from "./harness";
import { installOperatorKinds, removeOperatorKinds } from "./operatorKinds";
import { closeScenarios, openScenario, sharedPulumi, type Scenario } from "./scenario";

/** Opens a stack on the scenario's cluster that knows nothing of the existing objects. */
async function stackWithoutState(
  { kubeconfig, namespace, stack }: Scenario,
  config: Record<string, unknown>,
  project?: string,
): Promise<EngineStack> {
  return openStack({
    stack: stack.name,
    project,
    stateDir: createStateFolder("engine-anew"),
    kubeconfig,
    context: "sandbox",
    pulumi: await sharedPulumi(),
    config: Object.fromEntries(
      Object.entries({ namespace, outposts: ["main"], ...config }).map(([key, value]) => [
        `${configNamespace}:${key}`,
        value,
      ]),
    ),
  });
}

describe("a stack whose state is lost", () => {
  let kubeConfig: Scenario["kubeConfig"];
  before(async () => {
    ({ kubeConfig } = await openScenario({ name: "lost" }));
    await installOperatorKinds(kubeConfig);
  });
  after(async () => {
    await removeOperatorKinds(kubeConfig);
    await closeScenarios();
  });

  it("comes up again over all that a stack with everything has left, and ends as a fresh deploy does", async () => {
    const config = { solution: "both", monitoring: true };
    const scenario = await openScenario({ name: "lost-both", config });
    await scenario.stack.up();
    const fresh = await scenario.objects();
    assert.doesNotMatch(JSON.stringify(fresh), /pulumi-kubernetes-/, "a field manager that the provider has drawn");
    const anew = await stackWithoutState(scenario, config);
    await anew.up();
    assert.deepEqual(await scenario.objects(), fresh);
    assert.deepEqual(Object.keys((await anew.up()).changeSummary), ["same"]);

    // So does one whose settings have changed meanwhile.
    const changed = { ...config, anonymousMaxAge: "30m", shmSize: "512Mi" };
    const another = await stackWithoutState(scenario, changed);
    await another.up();
    const after = await scenario.objects();
    await another.destroy();
    assert.deepEqual(Object.keys(await scenario.objects()), ["Deployment/ak-outpost-main"]);
    await scenario.configure(changed);
    await scenario.stack.up();
    assert.deepEqual(after, await scenario.objects());
  });
});

describe("resources that the engine replaces", () => {
  after(closeScenarios);

  it("are all there afterwards, as by `pulumi up --replace`", async () => {
    for (const delivery of ["deployment", "admission"]) {
      const scenario = await openScenario({ name: `replaced-${delivery}`, config: { solution: "both", delivery } });
      await scenario.stack.up();
      const fresh = await scenario.objects();
      const urns = await scenario.stack.urns();
      const replace = urns.filter((urn) => /kubernetes:(?!pulumi:)/.test(urn) && !urn.includes("pulumi:providers"));
      assert.equal(replace.length, delivery === "admission" ? 12 : 9);
      await scenario.stack.up({ replace });
      assert.deepEqual(await scenario.objects(), fresh, delivery);
    }
  });
});

describe("two stacks of one name in two projects", () => {
  after(closeScenarios);

  it("are told apart in one namespace, and at one Deployment", async () => {
    const scenario = await openScenario({ name: "twice" });
    await scenario.stack.up();
    const other = await stackWithoutState(scenario, {}, "other");
    const owned = ["dshm", "shm-cleanup-settings", "shm-cleanup-run", "shm-cleanup-scripts"].map(
      (name) => `volume ${name}`,
    );
    const fields = [...owned, "mount /dev/shm of container proxy", "init container shm-cleanup"];
    const refusal = await failure(other.preview());
    assert.match(
      refusal,
      /namespace \S+ is that of another stack of this program, twice, and one stack serves one namespace\./,
    );
    assert.match(
      refusal,
      new RegExp(
        `outpost "main": Deployment ak-outpost-main already has ` +
          `${fields.map((field) => `${field} \\(owned by authentik-outpost-shm-twice\\)`).join("; ")}\\. ` +
          "That is another stack of this program\\. Take the outpost off the `outposts` of one of the two\\.",
      ),
    );
    await scenario.stack.destroy();
    await other.up();
    const managers = (await scenario.deployment("main")).metadata?.managedFields?.map(({ manager }) => manager);
    assert.ok(managers?.includes("authentik-outpost-shm-other/twice"), String(managers));
  });
});

describe("a removal", () => {
  let scenario: Scenario;
  let kubeconfig: string;
  let text: string;
  after(closeScenarios);

  /** Returns what `destroy` says with another kubeconfig, without repetitions. Asserts that the state keeps the cluster's objects. */
  async function refusal(changed: string): Promise<{ errors: string[]; warnings: string[] }> {
    writeFileSync(kubeconfig, changed);
    const before = await scenario.stack.urns();
    const { report } = await failed(scenario.stack.destroy()).finally(() => writeFileSync(kubeconfig, text));
    assert.deepEqual(await scenario.stack.urns(), before);
    const said = (wanted: string) => [
      ...new Set(report.diagnostics.filter(({ severity }) => severity === wanted).map(({ message }) => message.trim())),
    ];
    return { errors: said("error"), warnings: said("warning") };
  }
  const unreachable =
    "failed to read resource state due to unreachable cluster. If the cluster was deleted, you can remove this resource from " +
    'Pulumi state by rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"';

  before(async () => {
    scenario = await openScenario({ name: "removal" });
    text = readFileSync(scenario.kubeconfig, "utf8");
    kubeconfig = join(createStateFolder("removal"), "kubeconfig");
    writeFileSync(kubeconfig, text, { mode: 0o600 });
    await scenario.configure({ solution: "both", "kubernetes:kubeconfig": kubeconfig });
    await scenario.stack.up();
  });

  it("says that the cluster is gone, and keeps the state", async () => {
    const { errors, warnings } = await refusal(text.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:9"));
    assert.deepEqual([errors[0], warnings.length], [unreachable, 1]);
    assert.match(warnings[0], /cluster is unreachable: .*127\.0\.0\.1:9.*connection refused/);
  });

  it("says that the context is gone, and keeps the state", async () => {
    const { errors, warnings } = await refusal(text.replaceAll("sandbox", "another"));
    assert.deepEqual([errors[0], warnings.length], [unreachable, 1]);
    assert.match(warnings[0], /cluster is unreachable: [^]*context "sandbox" does not exist/);
  });

  it("leaves nothing once they are back", async () => {
    await scenario.stack.destroy();
    assert.deepEqual(Object.keys(await scenario.objects()), ["Deployment/ak-outpost-main"]);
  });
});
