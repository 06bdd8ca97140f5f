// All sixteen ways from one solution to another, through the real engine on a real API server. The result must be that of a
// deploy of the target to untouched Deployments, down to the owner of each field.
import assert from "node:assert/strict";
import type { Solution } from "../../../settings/types";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

/**
 * A de Bruijn sequence: read as a circle, it has each ordered pair of solutions once. It comes to each solution from `none` first,
 * which must have left the Deployments untouched. test/e2e/authentik/walk.test.ts compares stacks that are new.
 */
const walk: Solution[] = [
  ...(["none", "none", "sidecar", "none", "cronjob", "none", "both", "sidecar"] as const),
  ...(["sidecar", "cronjob", "sidecar", "both", "cronjob", "cronjob", "both", "both"] as const),
  "none",
];
const outposts = [{ name: "main", replicas: 2 }, { name: "Second Outpost" }];

describe("toggling between solutions", () => {
  const first = {} as Record<Solution, Record<string, unknown>>;
  let scenario: Scenario;

  before(async () => {
    scenario = await openScenario({ name: "toggles", outposts, config: { solution: "none" } });
    first.none = await scenario.objects();
    await scenario.stack.up();
  });

  after(closeScenarios);

  it("walks each ordered pair once", () => {
    const pairs = walk.slice(1).map((solution, index) => `${walk[index]} ${solution}`);
    assert.equal(new Set(pairs).size, 16);
    assert.equal(pairs.length, 16);
  });

  for (const [index, target] of walk.slice(1).entries()) {
    it(`${walk[index]} -> ${target} ends as the first ${target}`, async () => {
      await scenario.configure({ solution: target });
      await scenario.stack.up();
      first[target] ??= await scenario.objects();
      assert.deepEqual(await scenario.objects(), first[target]);
    });
  }

  it("deploys something different for each solution", () => {
    const deployments = ["Deployment/ak-outpost-main", "Deployment/ak-outpost-second-outpost"];
    for (const deployment of deployments) {
      assert.deepEqual(first.cronjob[deployment], first.none[deployment]);
      assert.deepEqual(first.both[deployment], first.sidecar[deployment]);
      assert.notDeepEqual(first.sidecar[deployment], first.none[deployment]);
    }
  });
});
