// `outpost-shm recreate` on a real API server. The stand-in of authentik brings the Deployment back.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { untilAvailable } from "../../../sandbox/outpost";
import { silentProgress } from "../../../sandbox/progress";
import { ensureTools } from "../../../sandbox/toolchain";
import { awaited, changedTypes, warnings } from "./harness";
import { outpostShm } from "./outpostShm";
import { closeScenarios, openScenario, owners, type Scenario } from "./scenario";

describe("recreate", () => {
  let scenario: Scenario;
  let dir: string;
  let manifests = 0;

  before(async () => {
    scenario = await openScenario({ name: "recreate", authentik: true });
    await scenario.stack.up();
    dir = mkdtempSync(join(tmpdir(), "recreate-"));
    writeFileSync(
      join(dir, "Pulumi.recreate.yaml"),
      `config:
  kubernetes:context: ${scenario.kubeConfig.getCurrentContext()}
  authentik-outpost-shm:namespace: ${scenario.namespace}
  authentik-outpost-shm:outposts: [main]
  authentik-outpost-shm:authentikUrl: ${scenario.authentik.url.replace(/\/$/, "")}
  authentik-outpost-shm:authentikToken: { secure: v1 }
`,
    );
  });
  after(async () => {
    rmSync(dir, { recursive: true });
    await closeScenarios();
  });

  /** @param onSaid receives the messages during the wait */
  async function recreate(args: string[], onSaid?: (text: string) => void) {
    const manifest = join(dir, `manifest-${++manifests}.json`);
    const all = ["recreate", ...args, "--stack", "recreate", "--manifest", manifest];
    const makers = { env: { AUTHENTIK_TOKEN: scenario.authentik.token }, projectDir: dir };
    return { manifest, ...(await outpostShm(scenario, all, onSaid && { err: onSaid }, makers)) };
  }

  /** Changes of the update that brings the sidecar back, and awaits it. */
  const mended = [...awaited, "update kubernetes:apps/v1:DeploymentPatch"];

  const sidecars = async () => {
    const { spec } = await scenario.deployment("main");
    return (spec?.template.spec?.initContainers ?? []).map(({ name }) => name);
  };

  it("has authentik bring it back, bare, and `pulumi up` then puts the sidecar on it again", async () => {
    const before = await scenario.deployment("main");
    assert.deepEqual(await sidecars(), ["shm-cleanup"]);
    const { code, stdout, manifest } = await recreate(["main", "--yes"], (text) => {
      // Someone saves the outpost in the Admin UI, once the old Deployment is gone.
      if (text.includes("authentik has not created it again")) void scenario.authentik.reconcile("main");
    });
    assert.equal(code, 0, stdout);
    const name = `${scenario.namespace}/ak-outpost-main`;
    assert.match(
      stdout,
      new RegExp(`^Deployment ${name} of outpost main is deleted with its 1 pod, and authentik creates it again\\.\n`),
    );
    assert.match(
      stdout,
      new RegExp(
        `\nDeployment ${name} is back and ready, as authentik creates it\\.\nIt has no sidecar: deploy again \\(\`pulumi up --refresh --stack recreate\`, or apply what \`render\` writes\\)\\.\n$`,
      ),
    );
    const after = await scenario.deployment("main");
    assert.notEqual(after.metadata?.uid, before.metadata?.uid);
    assert.deepEqual(await sidecars(), []);
    assert.ok(existsSync(manifest));
    assert.deepEqual(scenario.authentik.outpost("main").lastError, undefined);
    const report = await scenario.stack.up();
    assert.deepEqual(changedTypes(report), mended);
    assert.match(warnings(report).join(), /Deployment ak-outpost-main: this change restarts its pod /);
    assert.deepEqual(await sidecars(), ["shm-cleanup"]);
  });

  it("fails where nobody brings it back, and its own commands restore it with its owners", async () => {
    await untilAvailable(scenario.kubeconfig, { namespace: scenario.namespace, name: "main" });
    const before = await scenario.deployment("main");
    const { code, stderr, manifest } = await recreate(["main", "--yes", "--timeout", "5s"]);
    assert.equal(code, 1);
    const restore =
      `kubectl --kubeconfig ${scenario.kubeconfig} --context sandbox --namespace ${scenario.namespace} create ` +
      `--field-manager=goauthentik.io -f ${manifest}`;
    assert.equal(
      stderr.slice(stderr.indexOf("error: ")),
      `error: Deployment ${scenario.namespace}/ak-outpost-main did not come back within 5s: it is gone, and authentik has not created it again.\n` +
        `To put it back as authentik had it: ${restore}, then deploy again (\`pulumi up --refresh\`, or apply what \`render\` writes) for the sidecar\n` +
        "Or have authentik look at it: save outpost main in the Admin UI (Applications › Outposts › Edit › Update)\n",
    );
    await assert.rejects(scenario.deployment("main"));
    const { kubectl } = await ensureTools(["kubectl"], silentProgress);
    execFileSync(kubectl, restore.split(" ").slice(1));
    assert.deepEqual(await sidecars(), []);
    assert.deepEqual(changedTypes(await scenario.stack.up()), mended);
    const restored = await scenario.deployment("main");
    assert.deepEqual(restored.spec, before.spec);
    assert.deepEqual(owners(restored.metadata!.managedFields!), owners(before.metadata!.managedFields!));
    const { writes } = scenario.authentik;
    await scenario.authentik.reconcile("main");
    assert.deepEqual(scenario.authentik.writes, writes);
  });
});
