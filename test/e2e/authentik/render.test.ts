// `outpost-shm render` beside authentik: JSON patches in a config that is written as a whole, and our part of the
// Deployment as kubectl and Flux apply it.
import assert from "node:assert/strict";
import { editOperations, writesAtRest } from "../../../sandbox/authentik/adminUi";
import { openRendering, type Rendering } from "../rendering";
import { waitForRollout } from "../cluster/kubectl";
import { closeScenarios, openScenario, type Scenario } from "../cluster/scenario";

describe("what render writes, beside authentik", () => {
  let scenario: Scenario;
  let rendering: Rendering;
  before(async () => {
    scenario = await openScenario({ name: "rendered", authentik: true });
    rendering = await openRendering("rendered-files", scenario.kubeconfig);
  });
  after(closeScenarios);

  const render = (rest: string) =>
    rendering.shell(`npx --no-install outpost-shm render -n ${scenario.namespace} main ${rest}`);
  const sidecars = async () => (await scenario.deployment("main")).spec!.template.spec!.initContainers?.length ?? 0;

  /** Returns authentik's writes in three looks, and the changes of the Deployment's spec meanwhile. */
  async function threeLooks() {
    const { metadata } = await scenario.deployment("main");
    const writes = await writesAtRest(scenario.authentik);
    return { writes, changes: (await scenario.deployment("main")).metadata!.generation! - metadata!.generation! };
  }

  it("applied by kubectl, costs authentik no write", async () => {
    render("-o shm");
    for (const folder of ["shm", "shm/deployments"])
      rendering.shell(`kubectl apply --server-side --field-manager=authentik-outpost-shm-render -k ${folder}`);
    await waitForRollout(scenario, "main");
    assert.deepEqual([await sidecars(), await threeLooks()], [1, { writes: 0, changes: 0 }]);
  });

  it("applied and labelled as by Flux, costs a write that changes nothing at each look", async () => {
    const flux = "--server-side --force-conflicts --field-manager=kustomize-controller";
    const label = "kubectl label --local -o yaml -f - kustomize.toolkit.fluxcd.io/name=outpost-shm";
    rendering.shell(`kubectl kustomize shm/deployments | ${label} | kubectl apply ${flux} -f -`);
    assert.deepEqual([await sidecars(), await threeLooks()], [1, { writes: 3, changes: 0 }]);
  });

  it("gives all back by a file without our part, under the owners that applied it", async () => {
    render("--set solution=none -o shm");
    for (const owner of ["authentik-outpost-shm-render", "kustomize-controller"])
      rendering.shell(`kubectl apply --server-side --field-manager=${owner} -k shm/deployments`);
    await waitForRollout(scenario, "main");
    assert.deepEqual([await sidecars(), await threeLooks()], [0, { writes: 0, changes: 0 }]);
  });

  it("as JSON patches in a config that is written as a whole again and again, stays and costs no write", async () => {
    const patches = JSON.parse(render("--set delivery=authentik --format json-patches --syntax json")) as { main: [] };
    /** Does as `terraform apply` does. */
    const apply = () => editOperations(scenario.authentik, "main", () => patches.main);
    await apply();
    await scenario.authentik.reconcile("main");
    await waitForRollout(scenario, "main");
    assert.equal(await sidecars(), 1);
    for (let time = 0; time < 3; time++) {
      await apply();
      assert.deepEqual([await sidecars(), await threeLooks()], [1, { writes: 0, changes: 0 }]);
    }
  });
});
