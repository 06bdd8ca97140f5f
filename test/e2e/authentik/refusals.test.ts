// Every way in which authentik can refuse, through the real engine: one clear error each, and unchanged configs of the outposts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startAuthentik, type OutpostConfig } from "../../../sandbox/authentik";
import { UpdateFailed } from "../../../sandbox/engine";
import { sharedCluster } from "../cluster/fixture";
import { closeScenarios, openScenario, type Scenario } from "../cluster/scenario";

const throughAuthentik = { delivery: "authentik" };
const intro = "Nothing was changed. The cluster is not as the settings need it:";
const podSpec = "/spec/template/spec";

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
    const failure = await scenario.stack[what]().then(
      () => assert.fail(`${what} succeeded`),
      (error: unknown) => error,
    );
    assert.ok(failure instanceof UpdateFailed, String(failure));
    assert.deepEqual(configs(), before);
    assert.ok(!failure.report.stdout.includes(scenario.authentik.token));
    return failure.message.replace(/^.* of stack refusals failed:\n/, "");
  }
  const instances = () => `${scenario.authentik.url}api/v3/outposts/instances/?ordering=name&page_size=100&page=1`;

  const named: [string, string][] = [
    [
      "nobody",
      'authentik has no outpost "nobody"; the token\'s user sees: "authentik Embedded Outpost", "by hand", "directory", "main", "on docker". ' +
        "Correct the name in `outposts`, or give the user the permission authentik_outposts.view_outpost",
    ],
    [
      "authentik Embedded Outpost",
      'outpost "authentik Embedded Outpost" is the embedded outpost, which runs within authentik and needs none of this: it keeps its sessions in PostgreSQL since 2025.10, before in Redis; take it off `outposts`',
    ],
    ["directory", 'outpost "directory" is of type ldap: only proxy outposts keep sessions in /dev/shm'],
    [
      "by hand",
      'outpost "by hand" has no integration, so authentik does not deploy it: choose a Kubernetes integration in authentik, or set its `delivery` to deployment',
    ],
    [
      "on docker",
      'outpost "on docker" has the integration "Local Docker connection", which is not a Kubernetes one: only those apply kubernetes_json_patches',
    ],
  ];
  for (const [outpost, message] of named) {
    it(`an outpost that is none of ours: ${outpost}`, async () => {
      assert.equal(await refusal({ outposts: [outpost] }), `${intro}\n  - ${message}`);
    });
  }

  it("a wrong token, once for all outposts", async () => {
    assert.equal(
      await refusal({ authentikToken: { value: "not-this-one", secret: true }, outposts: ["main", "directory"] }),
      `${intro}\n  - authentik refuses the token, HTTP 403 (Token invalid/expired): authentikToken is wrong, expired, or no API token (Directory > Tokens, intent API)`,
    );
  });

  it("a user who may not view outposts", async () => {
    scenario.authentik.misbehave({ status: 403 });
    assert.equal(
      await refusal({}),
      `${intro}\n  - authentik lets the token's user not view outposts, HTTP 403 (You do not have permission to perform this action.): give it the permission authentik_outposts.view_outpost`,
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

  it("a base URL that is not authentik's", async () => {
    const authentikUrl = `${scenario.authentik.url}elsewhere`;
    const url = `${authentikUrl}/api/v3/outposts/instances/?ordering=name&page_size=100&page=1`;
    assert.equal(
      await refusal({ authentikUrl }),
      `${intro}\n  - ${url} is not there, HTTP 404: authentikUrl must be authentik's base URL`,
    );
  });

  it("a login page in front of it", async () => {
    scenario.authentik.misbehave({ html: true });
    assert.equal(
      await refusal({}),
      `${intro}\n  - ${instances()} answered text/html; charset=utf-8 instead of JSON: authentikUrl must be authentik's base URL, and no login page may stand before its API`,
    );
  });

  it("an authentik that stays down", async () => {
    scenario.authentik.misbehave({ status: 503 });
    assert.equal(await refusal({}), `${intro}\n  - authentik failed to answer GET ${instances()}, HTTP 503`);
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
    const deployment = [{ op: "add", path: `${podSpec}/volumes/-`, value: { name: "cert" } }];
    await scenario.authentik.edit("main", (config) => ({ ...config, kubernetes_json_patches: { deployment } }));
    assert.equal(
      await refusal({}),
      `${intro}\n  - outpost "main": operation 1 of kubernetes_json_patches.deployment (add ${podSpec}/volumes/-) can't be applied: ` +
        `authentik's Deployment has no ${podSpec}/volumes and no operation before it adds one; correct it in authentik`,
    );
    await scenario.authentik.edit("main", (config) => ({ ...config, kubernetes_json_patches: null }));
  });

  it("a colleague who changes the config each time it is read", async () => {
    let edits = 0;
    const edit = (config: OutpostConfig) => ({ ...config, refresh_interval: `minutes=${++edits}` });
    const before = scenario.authentik.outpost("main").config.kubernetes_json_patches;
    scenario.authentik.misbehave({ edit }, { method: "GET" });
    await scenario.configure(throughAuthentik);
    await assert.rejects(
      scenario.stack.up(),
      /the config of outpost "main" was changed by others each of 5 times between read and write; try again/,
    );
    assert.deepEqual(scenario.authentik.outpost("main").config.kubernetes_json_patches, before);
  });
});
