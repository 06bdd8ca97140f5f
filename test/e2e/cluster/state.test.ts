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
  const config = { solution: "both", monitoring: true };
  const changed = { ...config, anonymousMaxAge: "30m", shmSize: "512Mi" };
  let scenario: Scenario;
  before(async () => {
    scenario = await openScenario({ name: "lost-both", config });
    await installOperatorKinds(scenario.kubeConfig);
  });
  after(() => removeOperatorKinds(scenario.kubeConfig));
  after(closeScenarios);

  it("comes up again with other settings over all that a stack with everything has left, and ends as a fresh deploy does", async () => {
    await scenario.stack.up();
    const left = JSON.stringify(await scenario.objects());
    assert.doesNotMatch(left, /pulumi-kubernetes-/, "a field manager that the provider has drawn");
    const anew = await stackWithoutState(scenario, changed);
    await anew.up();
    const after = await scenario.objects();
    assert.deepEqual(Object.keys((await anew.up()).changeSummary), ["same"]);
    await anew.destroy();
    assert.deepEqual(Object.keys(await scenario.objects()), ["Deployment/ak-outpost-main"]);
    await scenario.configure(changed);
    await scenario.stack.up();
    assert.deepEqual(after, await scenario.objects());
  });
});

describe("a stack with both deliveries of its own", () => {
  let scenario: Scenario;
  let kubeconfig: string;
  let text: string;
  const deployments = ["Deployment/ak-outpost-main", "Deployment/ak-outpost-other"];
  before(async () => {
    const names = ["main", "other"].map((name) => ({ name }));
    scenario = await openScenario({ name: "deliveries", outposts: names });
    text = readFileSync(scenario.kubeconfig, "utf8");
    kubeconfig = join(createStateFolder("removal"), "kubeconfig");
    writeFileSync(kubeconfig, text, { mode: 0o600 });
    const outposts = ["main", { name: "other", delivery: "admission" }];
    await scenario.configure({ solution: "both", outposts, "kubernetes:kubeconfig": kubeconfig });
    await scenario.stack.up();
  });

  after(closeScenarios);

  it("has all of its resources after the engine has replaced them, as by `pulumi up --replace`", async () => {
    const fresh = await scenario.objects();
    const urns = await scenario.stack.urns();
    const replace = urns.filter((urn) => /kubernetes:(?!pulumi:)/.test(urn) && !urn.includes("pulumi:providers"));
    assert.equal(replace.length, 14);
    await scenario.stack.up({ replace });
    assert.deepEqual(await scenario.objects(), fresh);
  });

  it("is told from one of its name in another project, in one namespace and at one Deployment", async () => {
    const outposts = ["main", { name: "other", delivery: "admission" }];
    const said = await failure((await stackWithoutState(scenario, { outposts }, "other")).preview());
    assert.match(
      said,
      /namespace \S+ is that of another stack of this program, deliveries, and one stack serves one namespace\./,
    );
    assert.match(
      said,
      /Deployment ak-outpost-main already has volume dshm \(owned by authentik-outpost-shm-deliveries\); .*mount \/dev\/shm of container proxy .*init container shm-cleanup .* That is another stack of this program\./,
    );
    assert.match(
      said,
      /Deployment ak-outpost-other already has label authentik-outpost-shm\/revision of its pods \(owned by authentik-outpost-shm-deliveries\)/,
    );
  });

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

  it("says in a removal that the cluster is gone, and keeps the state", async () => {
    const { errors, warnings } = await refusal(text.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:9"));
    assert.deepEqual([errors[0], warnings.length], [unreachable, 1]);
    assert.match(warnings[0], /cluster is unreachable: .*127\.0\.0\.1:9.*connection refused/);
  });

  it("says likewise that the context is gone", async () => {
    const { errors, warnings } = await refusal(text.replaceAll("sandbox", "another"));
    assert.deepEqual([errors[0], warnings.length], [unreachable, 1]);
    assert.match(warnings[0], /cluster is unreachable: [^]*context "sandbox" does not exist/);
  });

  it("leaves nothing once they are back", async () => {
    await scenario.stack.destroy();
    assert.deepEqual(Object.keys(await scenario.objects()), deployments);
  });
});
