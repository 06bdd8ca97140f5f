// The three deliveries under the same events: authentik at rest, a Deployment that authentik creates anew, and Terraform writing
// the outpost's config back. The table of docs/delivery.md is what these tests find; walk.test.ts has its row on removal.
import assert from "node:assert/strict";
import { editOperations, otherSelector, writesAtRest } from "../../../sandbox/authentik/adminUi";
import type { Delivery } from "../../../settings/types";
import { carries, podsOf, waitForRollout } from "../cluster/kubectl";
import { closeScenarios, openScenario, type Scenario } from "../cluster/scenario";
import { untilUnlabelledAdmitted } from "../unlabelledPods";

interface Measured {
  /** Writes by authentik in three reconciles. */
  atRest: number;
  /** True if all pods of the Deployment that was created anew have the sidecar. */
  recreated: boolean;
  /** True if the same holds after Terraform has written a config without our patch. */
  afterTerraform: boolean;
}

const expected: Record<Delivery, Measured> = {
  deployment: { atRest: 0, recreated: false, afterTerraform: false },
  admission: { atRest: 0, recreated: true, afterTerraform: true },
  authentik: { atRest: 0, recreated: true, afterTerraform: false },
};

describe("the deliveries under the same events", () => {
  let scenario: Scenario;
  before(async () => {
    scenario = await openScenario({ name: "same-events", authentik: true });
  });
  after(closeScenarios);

  for (const delivery of Object.keys(expected) as Delivery[]) {
    it(`${delivery} does what docs/delivery.md says`, async () => {
      await scenario.configure({ delivery });
      await scenario.stack.up();
      await waitForRollout(scenario, "main");
      if (delivery === "admission")
        await untilUnlabelledAdmitted(scenario.kubeconfig, scenario.namespace, "ak-outpost-main");
      const atRest = await writesAtRest(scenario.authentik);
      const selector = otherSelector(`recreated-${delivery}`);
      const recreated = await afterRecreation(scenario, (operations) => [...operations, ...selector]);
      // `terraform apply` of a config that knows no patch of ours, and another selector.
      const afterTerraform = await afterRecreation(scenario, () => otherSelector(`terraform-${delivery}`));
      assert.deepEqual({ atRest, recreated, afterTerraform }, expected[delivery]);
    });
  }
});

/** Has authentik recreate the Deployment by a change of its operations. Tells whether all of its pods have the sidecar then. */
async function afterRecreation(scenario: Scenario, change: (operations: object[]) => object[]): Promise<boolean> {
  const { uid } = (await scenario.deployment("main")).metadata!;
  await editOperations(scenario.authentik, "main", change);
  await waitForRollout(scenario, "main");
  assert.notEqual((await scenario.deployment("main")).metadata!.uid, uid);
  const pods = await podsOf(scenario, "ak-outpost-main");
  assert.ok(pods.length > 0);
  return pods.every(carries);
}
