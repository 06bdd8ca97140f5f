// authentik's refusals through the real engine: one clear error, and unchanged configs of the outposts. For what else the API may
// answer, see test/unit/authentik/client.test.ts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startAuthentik, type OutpostConfig } from "../../../sandbox/authentik";
import { editOperations } from "../../../sandbox/authentik/adminUi";
import { sharedCluster } from "../cluster/fixture";
import { failed } from "../cluster/harness";
import { closeScenarios, openScenario, type Scenario } from "../cluster/scenario";

const throughAuthentik = { delivery: "authentik" };
const intro = "Nothing was changed. The cluster is not as the settings need it:";
const volumes = "/spec/template/spec/volumes";

describe("authentik's refusals", () => {
  let scenario: Scenario;
  let configs: () => OutpostConfig[];

  before(async () => {
    scenario = await openScenario({ name: "refusals", authentik: true, config: throughAuthentik });
    const { authentik } = scenario;
    const added = [
      await authentik.addOutpost({ embedded: true }),
      await authentik.addOutpost({ name: "directory", type: "ldap" }),
      await authentik.addOutpost({ name: "by hand", serviceConnection: null }),
      await authentik.addOutpost({ name: "on docker", serviceConnection: "docker" }),
    ];
    configs = () => ["main", ...added.map(({ name }) => name)].map((name) => authentik.outpost(name).config);
  });
  afterEach(() => scenario.authentik.behave());
  after(closeScenarios);

  /** Returns the one error of a preview or update, and asserts that authentik's config is the same after it. */
  async function refusal(config: Record<string, unknown>, what: "preview" | "up" = "preview"): Promise<string> {
    const before = configs();
    await scenario.configure({ ...throughAuthentik, ...config });
    const { message, report } = await failed(scenario.stack[what]());
    assert.deepEqual(configs(), before);
    assert.ok(!report.stdout.includes(scenario.authentik.token));
    return message.replace(/^.* of stack refusals failed:\n/, "");
  }

  it("all outposts that are none of ours, in one error", async () => {
    const others: Record<string, string> = {
      nobody:
        'authentik has no outpost "nobody"; the token\'s user sees: "authentik Embedded Outpost", "by hand", "directory", "main", "on docker". ' +
        "Correct the name in `outposts`, or give the user the permission authentik_outposts.view_outpost",
      "authentik Embedded Outpost":
        'outpost "authentik Embedded Outpost" is the embedded outpost, which runs within authentik and needs none of this: it keeps its sessions in PostgreSQL since 2025.10, before in Redis; take it off `outposts`',
      directory: 'outpost "directory" is of type ldap: only proxy outposts keep sessions in /dev/shm',
      "by hand":
        'outpost "by hand" has no integration, so authentik does not deploy it: choose a Kubernetes integration in authentik, or set its `delivery` to deployment',
      "on docker":
        'outpost "on docker" has the integration "Local Docker connection", which is not a Kubernetes one: only those apply kubernetes_json_patches',
    };
    const list = Object.values(others).map((message) => `\n  - ${message}`);
    assert.equal(await refusal({ outposts: Object.keys(others) }), intro + list.join(""));
  });

  it("a wrong token, once for all outposts", async () => {
    const wrong = { value: "not-this-one", secret: true };
    assert.equal(
      await refusal({ authentikToken: wrong, outposts: ["main", "directory"] }),
      `${intro}\n  - authentik refuses the token, HTTP 403 (Token invalid/expired): authentikToken is wrong, expired, or no API token (Directory > Tokens, intent API)`,
    );
  });

  it("a user who may not change outposts, with the Deployment as it was", async () => {
    const { spec } = await scenario.deployment("main");
    scenario.authentik.misbehave({ status: 403 }, { method: "PATCH" });
    assert.match(
      await refusal({}, "up"),
      /authentik lets the token's user not change outposts, HTTP 403 \(You do not have permission to perform this action\.\): give it the permission authentik_outposts\.change_outpost/,
    );
    assert.deepEqual((await scenario.deployment("main")).spec, spec);
  });

  it("a certificate that nobody trusts", async () => {
    const { dir } = await sharedCluster();
    const pem = (name: string) => readFileSync(join(dir, "state", "credentials", name), "utf8");
    const tls = { cert: pem("apiserver.crt"), key: pem("apiserver.key") };
    const other = await startAuthentik({ namespace: "auth", tls });
    try {
      const authentikUrl = other.url.replace(/\/$/, "");
      assert.equal(
        await refusal({ authentikUrl }),
        `${intro}\n  - the certificate of ${authentikUrl} is not trusted: self-signed certificate in certificate chain (SELF_SIGNED_CERT_IN_CHAIN); set NODE_EXTRA_CA_CERTS to the file of your CA, or correct authentikUrl`,
      );
    } finally {
      await other.stop();
    }
  });

  it("a JSON patch that authentik could not apply either", async () => {
    const deployment = [{ op: "add", path: `${volumes}/-`, value: { name: "cert" } }];
    await editOperations(scenario.authentik, "main", () => deployment);
    assert.equal(
      await refusal({}),
      `${intro}\n  - outpost "main": operation 1 of kubernetes_json_patches.deployment (add ${volumes}/-) can't be applied: ` +
        `authentik's Deployment has no ${volumes} and no operation before it adds one; correct it in authentik`,
    );
  });
});
