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
const unseen =
  "this preview has not seen the cluster (`preflight` is optional): it can't know which pods restart, or whether the update will be refused. ";
const warning = (reason: string, andAuthentik = "") =>
  unseen +
  `Not looked at: the Deployments and who owns their /dev/shm, the pods' memory limits and users, what the cluster supports${andAuthentik}. ` +
  `The reason: ${reason}. The update looks first, and changes nothing if it can't.`;
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

  it("fails a preview as it fails an update, unless the stack says otherwise", async () => {
    await stack.setConfig({ ...settings, preflight: "required" });
    assert.equal(
      await failure(stack.preview()),
      `preview of stack away failed:\nNothing was changed. The cluster is not as the settings need it:\n  - ${refused}`,
    );
  });

  it("leaves an optional preview the whole plan, with one warning of what it does not know", async () => {
    await stack.setConfig({ ...settings, solution: "both", monitoring: true, verify: true });
    const report = await stack.preview({ diff: true });
    assert.deepEqual(problems(report), [warning(refused)]);
    // Which the rich diff cuts off.
    assert.ok(report.stdout.includes(`notices           : [\n        [0]: "${unseen}`), report.stdout);
    assert.deepEqual(changes(report).sort(), [
      "create outpost-shm",
      ...Array<string>(3).fill("create outpost-shm-ak-outpost-main"),
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

  it("plans the other deliveries, without asking authentik", async () => {
    const outposts = [
      { name: "main", delivery: "admission" },
      { name: "other", delivery: "authentik" },
    ];
    const access = { authentikUrl: "https://127.0.0.1:9", authentikToken: { value: "none", secret: true } };
    await stack.setConfig({ ...settings, outposts, ...access });
    const report = await stack.preview();
    assert.deepEqual(problems(report), [warning(refused, ", the outposts in authentik")]);
    const types = report.steps.map(({ op, type }) => `${op} ${type}`);
    for (const type of [
      "create kubernetes:admissionregistration.k8s.io/v1:MutatingAdmissionPolicy",
      "create pulumi-nodejs:dynamic/authentik-outpost-shm:OutpostJsonPatch",
    ])
      assert.ok(types.includes(type), types.join("\n"));
    assert.equal(changes(report).length, 15);
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

  it("leaves bad settings an error, also a value of the wrong type, which the engine checks by Pulumi.yaml", async () => {
    await stack.setConfig({ ...settings, shmSize: "1" });
    assert.match(await failure(stack.preview()), /1 problem in the settings:\n {2}shmSize: "?1"? has no unit/);
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
      assert.deepEqual(problems(report), [warning(reason)]);
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
    assert.deepEqual(problems(report), [warning("Kubernetes refused to say its version: HTTP 401")]);
    assert.equal(changes(report).length, 6);
  });
});
