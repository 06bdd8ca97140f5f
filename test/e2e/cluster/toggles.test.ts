// All sixteen ways from one solution to another, through the real engine on a real API server. The result must be that of a
// fresh deploy of the target, down to the owner of each field.
import assert from "node:assert/strict";
import { deleteOutpost } from "../../../sandbox/outpost";
import type { Solution } from "../../../settings/settings";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

/** A de Bruijn sequence: read as a circle, it has each ordered pair of solutions once. */
const walk: Solution[] = [
  ...(["none", "none", "sidecar", "none", "cronjob", "none", "both", "sidecar"] as const),
  ...(["sidecar", "cronjob", "sidecar", "both", "cronjob", "cronjob", "both", "both"] as const),
  "none",
];
const outposts = [{ name: "main", replicas: 2 }, { name: "Second Outpost" }];

describe("toggling between solutions", () => {
  const fresh = {} as Record<Solution, Record<string, unknown>>;
  let scenario: Scenario;

  before("deploy each solution afresh", async () => {
    for (const solution of ["sidecar", "cronjob", "both"] as const) {
      scenario = await openScenario({ name: "toggles", outposts, config: { solution } });
      await scenario.stack.up();
      fresh[solution] = await scenario.objects();
      await scenario.stack.destroy();
      for (const outpost of outposts)
        await deleteOutpost(scenario.kubeconfig, { namespace: scenario.namespace, ...outpost });
    }
    scenario = await openScenario({ name: "toggles", outposts, config: { solution: "none" } });
    fresh.none = await scenario.objects();
    await scenario.stack.up();
  });

  after(closeScenarios);

  it("walks each ordered pair once", () => {
    const pairs = walk.slice(1).map((solution, index) => `${walk[index]} ${solution}`);
    assert.equal(new Set(pairs).size, 16);
    assert.equal(pairs.length, 16);
  });

  it("deploys something different for each solution", () => {
    const deployments = ["Deployment/ak-outpost-main", "Deployment/ak-outpost-second-outpost"];
    for (const deployment of deployments) {
      assert.deepEqual(fresh.cronjob[deployment], fresh.none[deployment]);
      assert.deepEqual(fresh.both[deployment], fresh.sidecar[deployment]);
      assert.notDeepEqual(fresh.sidecar[deployment], fresh.none[deployment]);
    }
  });

  for (const [index, target] of walk.slice(1).entries()) {
    it(`${walk[index]} -> ${target} ends as a fresh ${target}`, async () => {
      await scenario.configure({ solution: target });
      await scenario.stack.up();
      assert.deepEqual(await scenario.objects(), fresh[target]);
    });
  }
});
