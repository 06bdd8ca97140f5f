// The three deliveries under the same events: authentik at rest, a Deployment that authentik creates anew, and Terraform writing
// the outpost's config back. The table of docs/delivery.md is what these tests find.
import assert from "node:assert/strict";
import type { Delivery } from "../../../settings/settings";
import { carries, podsOf, waitForRollout } from "../cluster/kubectl";
import { closeScenarios, openScenario, type Scenario } from "../cluster/scenario";
import { untilUnlabelledAdmitted } from "../unlabelledPods";

/** Changes an immutable field, which makes authentik delete the Deployment and create it again. */
const otherSelector = (label: string) => [
  { op: "add", path: `/spec/selector/matchLabels/${label}`, value: "yes" },
  { op: "add", path: `/spec/template/metadata/labels/${label}`, value: "yes" },
];

interface Measured {
  /** Writes by authentik in three reconciles. */
  atRest: number;
  /** True if all pods of the Deployment that was created anew have the sidecar. */
  recreated: boolean;
  /** True if the same holds after Terraform has written a config without our patch. */
  afterTerraform: boolean;
  /** True if pods have it once the solution is none. */
  removed: boolean;
}

const expected: Record<Delivery, Measured> = {
  deployment: { atRest: 0, recreated: false, afterTerraform: false, removed: false },
  admission: { atRest: 0, recreated: true, afterTerraform: true, removed: false },
  authentik: { atRest: 0, recreated: true, afterTerraform: false, removed: false },
};

describe("the deliveries under the same events", () => {
  after(closeScenarios);

  for (const delivery of Object.keys(expected) as Delivery[]) {
    it(`${delivery} does what docs/delivery.md says`, async () => {
      const scenario = await openScenario({ name: `same-${delivery}`, authentik: true, config: { delivery } });
      await scenario.stack.up();
      await waitForRollout(scenario, "main");
      if (delivery === "admission")
        await untilUnlabelledAdmitted(scenario.kubeconfig, scenario.namespace, "ak-outpost-main");
      const atRest = await writesIn(scenario, () => reconciled(scenario, 3));
      const recreated = await afterRecreation(scenario, (operations) => [...operations, ...otherSelector("one")]);
      await scenario.stack.up();
      await waitForRollout(scenario, "main");
      // `terraform apply` of a config that knows no patch of ours, and another selector.
      const afterTerraform = await afterRecreation(scenario, () => otherSelector("other"));
      await scenario.stack.up();
      await scenario.configure({ delivery, solution: "none" });
      await scenario.stack.up();
      await waitForRollout(scenario, "main");
      const removed = await allCarry(scenario);
      assert.deepEqual({ atRest, recreated, afterTerraform, removed }, expected[delivery]);
    });
  }
});

async function reconciled({ authentik }: Scenario, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await authentik.reconcile();
}

async function writesIn({ authentik }: Scenario, work: () => Promise<void>): Promise<number> {
  const total = () => Object.values(authentik.writes).reduce<number>((sum, count) => sum + (count as number), 0);
  const before = total();
  await work();
  return total() - before;
}

/** Changes the operations in the outpost's config such that authentik recreates the Deployment. */
async function afterRecreation(scenario: Scenario, change: (operations: object[]) => object[]): Promise<boolean> {
  const { uid } = (await scenario.deployment("main")).metadata!;
  await scenario.authentik.edit("main", (config) => {
    const deployment = change(config.kubernetes_json_patches?.deployment ?? []);
    return { ...config, kubernetes_json_patches: { deployment } as never };
  });
  await waitForRollout(scenario, "main");
  assert.notEqual((await scenario.deployment("main")).metadata!.uid, uid);
  return allCarry(scenario);
}

async function allCarry(scenario: Scenario): Promise<boolean> {
  const pods = await podsOf(scenario, "ak-outpost-main");
  assert.ok(pods.length > 0);
  return pods.every(carries);
}
