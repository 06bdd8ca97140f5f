// An outpost deployed by hand, from authentik's own page, on real pods: everything works as for authentik's own.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { V1Job, V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { OUTPOST_IMAGE } from "../../../sandbox/outpost";
import { visit } from "../../../sandbox/node/visits";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { isDeployment, manualOutpost } from "../../fixtures/outposts";
import { runJob } from "./jobs";
import { outpostShm, rowsOf } from "./outpostShm";
import { closeScenario, openScenario, type Scenario } from "./scenario";

const forwardAuth = { name: "forward-auth", deployment: "authentik-outpost" };

describe("an outpost deployed by hand", function () {
  this.timeout(180_000);
  let scenario: Scenario;
  let pod: string;
  let said: string;

  before(async () => {
    scenario = await openScenario({ name: "manual", labels: {}, outposts: [], config: { outposts: [forwardAuth] } });
    const objects = manualOutpost("manual", scenario.namespace, "forward-auth");
    // The one image of an outpost that this node has.
    for (const { spec } of objects.filter(isDeployment)) spec!.template.spec!.containers[0].image = OUTPOST_IMAGE;
    const file = join(createStateFolder("manual"), "objects.json");
    writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
    await scenario.kubectl("create", "-f", file);
    await scenario.kubectl("rollout", "status", "deployment/authentik-outpost", "--timeout=60s");
    await scenario.setConfig({ outposts: [forwardAuth], solution: "both", sweepInterval: "5s", verify: true });
    const { diagnostics } = await scenario.stack.up();
    said = diagnostics.map(({ message }) => message).join("\n");
    const { items } = await scenario.get<{ items: { metadata: { name: string } }[] }>(
      "pods",
      "--selector=app.kubernetes.io/instance=forward-auth",
      "--field-selector=status.phase=Running",
    );
    pod = items.at(-1)!.metadata.name;
  });
  after(() => closeScenario(scenario));

  it("is verified at the end of the update, by the sidecar and by a run of the CronJob", () => {
    assert.match(said, /^forward-auth {2}size +pass +1 pod: \/dev\/shm has 256Mi \(by df\)$/m);
    assert.match(said, /^CronJob +schedule +pass +0 0 29 2 \*, active; sweeps authentik-outpost$/m);
    assert.match(said, /All 9 checks passed\./);
  });

  it("was swept by that run once the rollout was over", async () => {
    const [, name] = /Job (authentik-outpost-shm-cleanup-verify-\S+) succeeded/.exec(said)!;
    const { metadata, status } = await scenario.get<V1Job>("job", name);
    const conditions = (await scenario.get<V1Pod>("pod", pod)).status!.conditions!;
    const ready = conditions.find(({ type }) => type === "Ready")!;
    assert.ok(new Date(metadata!.creationTimestamp!) >= new Date(ready.lastTransitionTime!));
    assert.equal(status?.failed ?? 0, 0);
  });

  it("is swept by the CronJob, in its sidecar", async () => {
    const { outcome, attempts } = await runJob(scenario, "by-hand");
    const lines = attempts[0].map(({ deployment, container, result }) => ({ deployment, container, result }));
    assert.equal(outcome, "Complete");
    assert.deepEqual(lines, [{ deployment: "authentik-outpost", container: "shm-cleanup", result: "swept" }]);
  });

  it("shows in status, and is cleaned up by its name", async () => {
    await visit(scenario, pod, { logins: 5, rate: 50, seconds: 1 });
    // Not so young that they are on their way through the login page.
    await scenario.exec(pod, "proxy", "sh", "-c", "touch -d @$(($(date +%s) - 60)) /dev/shm/session_*");
    const { rows } = rowsOf((await outpostShm(scenario, "status", "forward-auth")).stdout);
    assert.deepEqual([Object.keys(rows), rows[pod][1], rows[pod].at(-1)], [[pod], "both", "metrics"]);
    const { status, stdout } = await outpostShm(scenario, "cleanup", "forward-auth", "--all", "--yes");
    assert.equal(status, 0, stdout);
    assert.match(stdout, /^TOTAL .* 5 +\d+ +0$/m);
  });

  it("is nothing that doctor complains of", async () => {
    const { status, stdout } = await outpostShm(scenario, "doctor");
    assert.deepEqual([status, /\nNothing found\.\n$/.test(stdout)], [0, true], stdout);
  });

  it("fails the CronJob's run, and says so, once it is gone", async () => {
    await scenario.kubectl("delete", "deployment", "authentik-outpost", "--cascade=foreground", "--wait");
    const { outcome, attempts } = await runJob(scenario, "gone");
    assert.equal(outcome, "Failed");
    assert.match(attempts[0][0].reason, /deployments\.apps 'authentik-outpost' not found$/);
  });
});
