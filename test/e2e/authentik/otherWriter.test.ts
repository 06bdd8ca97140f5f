// An outpost whose config Terraform keeps as a whole, with `delivery: authentik` all the same.
import assert from "node:assert/strict";
import { warnings } from "../cluster/harness";
import { closeScenarios, openScenario, type Scenario } from "../cluster/scenario";

describe("delivery through authentik beside another program", () => {
  let scenario: Scenario;
  before(async () => {
    scenario = await openScenario({ name: "terraform", authentik: true, config: { delivery: "authentik" } });
    await scenario.stack.up();
    // `terraform apply` of a config that knows no patch.
    await scenario.authentik.edit("main", (config) => ({ ...config, kubernetes_json_patches: null }), "terraform");
  });
  after(closeScenarios);

  const vanished = (who: string) =>
    'outpost "main": our part has vanished from its kubernetes_json_patches in authentik since the last update; Deployment ak-outpost-main still ' +
    `has it. Programs that write an outpost's config as a whole do that, such as Terraform (authentik_outpost) or a blueprint${who}. ` +
    'This update puts it back, and such a program takes it out again: docs/delivery.md, "An outpost whose config another program writes", has the ways on.';
  const preview = async () => warnings(await scenario.stack.preview());

  it("says that our part has vanished, and who changed the outpost last", async () => {
    const said = await preview();
    assert.ok(
      said.includes(vanished("; by authentik's event log, terraform changed the outpost last")),
      said.join("\n"),
    );
  });

  it("says so without a name to a token that may not view events", async () => {
    scenario.authentik.misbehave({ status: 403 }, { path: "/api/v3/events/" });
    assert.ok((await preview()).includes(vanished("")));
    scenario.authentik.behave();
  });

  it("says so no more once the update has put it back, which restarts no pod", async () => {
    const before = await scenario.deployment("main");
    await scenario.stack.up();
    assert.deepEqual((await scenario.deployment("main")).spec, before.spec);
    assert.deepEqual(await preview(), []);
  });
});
