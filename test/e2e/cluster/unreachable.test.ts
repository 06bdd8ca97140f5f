// Previews where no cluster is in reach, by the real engine and the official Kubernetes provider.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { openStack, type EngineStack, type Report } from "../../../sandbox/engine";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { sharedCluster } from "./fixture";
import { changes, failure } from "./harness";
import { closeScenarios, sharedPulumi } from "./scenario";

const settings = { namespace: "authentik", outposts: ["main"], preflight: "optional" };

const away = {
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "away", cluster: { server: "https://127.0.0.1:9" } }],
  users: [{ name: "away", user: { token: "none" } }],
  contexts: [{ name: "away", context: { cluster: "away", user: "away" } }],
  "current-context": "away",
};

const refused =
  "No answer from the Kubernetes API at https://127.0.0.1:9 to say its version: " +
  "request to https://127.0.0.1:9/version failed, reason: connect ECONNREFUSED 127.0.0.1:9";
/** test/unit/preflight/preflight.test.ts has the whole warning. */
const assertUnseen = (report: Report, reason: string) => {
  const [warning, ...more] = problems(report);
  assert.deepEqual(more, []);
  assert.ok(warning.startsWith(unseen) && warning.includes(` The reason: ${reason}. `), warning);
};
const unseen = "this preview has not seen the cluster (`preflight` is optional)";
const problems = ({ diagnostics }: Report) =>
  diagnostics.filter(({ severity }) => severity !== "info").map(({ message }) => message);

describe("a cluster out of reach", () => {
  const stateDir = createStateFolder("unreachable");
  const kubeconfig = join(stateDir, "kubeconfig");
  let stack: EngineStack;
  before(async () => {
    writeFileSync(kubeconfig, stringify(away));
    const pulumi = await sharedPulumi();
    stack = await openStack({ stack: "away", stateDir, kubeconfig, context: "away", pulumi, config: settings });
  });
  after(closeScenarios);

  it("leaves an optional preview the whole plan of every delivery, without asking authentik, with one warning", async () => {
    const outposts = ["main", { name: "admitted", delivery: "admission" }, { name: "patched", delivery: "authentik" }];
    const access = { authentikUrl: "https://127.0.0.1:9", authentikToken: { value: "none", secret: true } };
    await stack.setConfig({ ...settings, ...access, outposts, solution: "both", monitoring: true, verify: true });
    const report = await stack.preview({ diff: true });
    assertUnseen(report, refused);
    // Which the rich diff cuts off.
    assert.ok(report.stdout.includes(`notices           : [\n        [0]: "${unseen}`), report.stdout);
    assert.deepEqual(changes(report).sort(), [
      "create outpost-shm",
      ...Array<string>(2).fill("create outpost-shm-admission"),
      "create outpost-shm-admission-ended",
      "create outpost-shm-admission-in-force",
      "create outpost-shm-admission-recreated",
      "create outpost-shm-admission-rollout",
      ...Array<string>(3).fill("create outpost-shm-ak-outpost-admitted"),
      ...Array<string>(3).fill("create outpost-shm-ak-outpost-main"),
      ...Array<string>(3).fill("create outpost-shm-ak-outpost-patched"),
      ...Array<string>(7).fill("create outpost-shm-cronjob"),
      "create outpost-shm-monitoring",
      "create outpost-shm-monitoring-alerts",
      "create outpost-shm-monitoring-dashboard",
      "create outpost-shm-monitoring-pod-monitor",
      "create outpost-shm-rollout",
      "create outpost-shm-scripts",
      "create outpost-shm-verify",
    ]);
  });

  it("never lets an update through: it changes neither the cluster nor the state", async () => {
    await stack.setConfig(settings);
    assert.equal(
      await failure(stack.up()),
      `update of stack away failed:\nNothing was changed. The cluster is not as the settings need it:\n  - ${refused}`,
    );
    assert.deepEqual(await stack.urns(), [
      "urn:pulumi:away::authentik-outpost-shm::pulumi:pulumi:Stack::authentik-outpost-shm-away",
    ]);
  });

  it("leaves a value of the wrong type an error, which the engine finds by Pulumi.yaml", async () => {
    await stack.setConfig({ ...settings, highWatermark: "most" });
    assert.match(await failure(stack.preview()), /highWatermark' must be of type 'integer'/);
  });

  const reasons: Record<string, { config: object; reason: string }> = {
    "no kubeconfig at that path": {
      config: { "kubernetes:kubeconfig": "/nowhere/kubeconfig" },
      reason:
        "The kubeconfig that is given (kubernetes:kubeconfig, --kubeconfig) is neither the text of one nor the path of a file",
    },
    "no such context": {
      config: { "kubernetes:context": "prod" },
      reason: 'kubernetes:context is "prod", which the kubeconfig does not have; it has: away',
    },
  };
  for (const [what, { config, reason }] of Object.entries(reasons)) {
    it(`is also ${what}`, async () => {
      await stack.setConfig({ ...settings, ...config });
      const report = await stack.preview();
      assertUnseen(report, reason);
      assert.equal(changes(report).length, 6);
    });
  }

  it("is also an API server that refuses the credentials", async () => {
    const { kubeconfig, context } = await sharedCluster();
    const config = parse(readFileSync(kubeconfig, "utf8")) as { users: { user: object }[] };
    config.users[0].user = { token: "none" };
    const refusing = { "kubernetes:kubeconfig": stringify(config), "kubernetes:context": context };
    await stack.setConfig({ ...settings, ...refusing });
    const report = await stack.preview();
    assertUnseen(report, "Kubernetes refused to say its version: HTTP 401");
    assert.equal(changes(report).length, 6);
  });
});
