// Outposts deployed by hand, from authentik's own page and as public repositories have them, on a real API server. Nothing runs
// in the pods here: test/e2e/node/manual.test.ts has the sweep, and `verify`.
import assert from "node:assert/strict";
import { isDeployment, manualOutpost } from "../../fixtures/outposts";
import { untilRolledOut } from "./kubectl";
import { outpostShm } from "./outpostShm";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

const forwardAuth = { name: "forward-auth", deployment: "authentik-outpost" };
const renamed = { name: "intranet", deployment: "authentik-proxy", container: "authentik-proxy" };

describe("outposts deployed by hand", () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await openScenario({ name: "manual" });
    const { generic, namespace } = scenario;
    for (const object of [
      ...manualOutpost("manual", namespace, "forward-auth"),
      ...manualOutpost("authentik-proxy", namespace, "intranet"),
    ])
      await generic.create(object, undefined, undefined, "kubectl-create");
  });
  after(closeScenarios);

  const deployment = (name: string) => scenario.apps.readNamespacedDeployment({ namespace: scenario.namespace, name });

  it("get the sidecar, and the CronJob sweeps them by their own selectors", async () => {
    await scenario.configure({ outposts: [forwardAuth, renamed], solution: "both" });
    await scenario.stack.up();
    for (const { deployment: name } of [forwardAuth, renamed]) await untilRolledOut(scenario, name);
    const objects = await scenario.objects();
    const cronJob = JSON.stringify(objects["CronJob/authentik-outpost-shm-cleanup"]);
    assert.match(cronJob, /"authentik-outpost proxy SWEEP_[^"]*\\nauthentik-proxy authentik-proxy SWEEP_/);
    const { spec } = await deployment("authentik-proxy");
    assert.equal(spec!.template.spec!.containers[0].volumeMounts![0].mountPath, "/dev/shm");
  });

  it("are seen by status, with the pods of each", async () => {
    const { stdout } = await outpostShm(scenario, ["status", "-o", "json"]);
    const { pods } = JSON.parse(stdout) as { pods: Record<string, string>[] };
    const hand = pods.filter((pod) => pod.deployment !== "ak-outpost-main");
    assert.deepEqual(
      hand.map(({ deployment, outpost, solution }) => [deployment, outpost, solution]),
      [
        ["authentik-outpost", "forward-auth", "both"],
        ["authentik-proxy", "authentik-proxy", "both"],
        ["authentik-proxy", "authentik-proxy", "both"],
      ],
    );
    for (const name of ["authentik-outpost", "deployment/authentik-outpost", hand[0].pod]) {
      const { stdout } = await outpostShm(scenario, ["status", name, "-o", "json"]);
      assert.deepEqual(
        (JSON.parse(stdout) as { pods: { pod: string }[] }).pods.map(({ pod }) => pod),
        [hand[0].pod],
      );
    }
  });

  it("are nothing that doctor reports, whatever their container is called", async () => {
    const { stdout } = await outpostShm(scenario, ["doctor", "-o", "json"]);
    assert.doesNotMatch(stdout, /Deployment\/authentik-/);
  });

  it("are as before once the stack is gone", async () => {
    await scenario.stack.destroy();
    for (const object of manualOutpost("manual", scenario.namespace, "forward-auth").filter(isDeployment)) {
      const { spec } = await deployment(object.metadata!.name!);
      const { volumes, initContainers, containers } = spec!.template.spec!;
      assert.deepEqual([volumes, initContainers, containers[0].volumeMounts], [undefined, undefined, undefined]);
    }
  });
});
