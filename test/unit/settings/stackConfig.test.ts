import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { authentikAccess, readSettings } from "../../../settings/stackConfig";

/** Sets config as the engine hands it over: with full keys, and everything as text. */
function setConfig(values: Record<string, string>, secretKeys: string[] = []): void {
  const full = (key: string): string => (key.includes(":") ? key : `authentik-outpost-shm:${key}`);
  const config = Object.fromEntries(Object.entries(values).map(([key, value]) => [full(key), value]));
  pulumi.runtime.setAllConfig(config, secretKeys.map(full));
}

const MINIMAL = { namespace: "authentik", outposts: '["Proxy Dev"]' };

describe("stack config", () => {
  const before = pulumi.runtime.allConfig();
  afterEach(() => pulumi.runtime.setAllConfig(before));

  it("reads text, numbers, booleans, lists and objects, and keeps text that looks like a number as it is written", () => {
    const outposts = '["a",{"name":"b","runAsUser":2000}]';
    setConfig({ namespace: "007", outposts, restrictExec: "false", runAsUser: "1001" });
    const settings = readSettings();
    const users = settings.outposts.map(({ name, runAsUser }) => [name, runAsUser]);
    assert.deepEqual(
      [settings.namespace, settings.restrictExec, ...users],
      ["007", false, ["a", "1001"], ["b", "2000"]],
    );
  });

  it("leaves other namespaces' keys alone", () => {
    setConfig({ ...MINIMAL, "kubernetes:context": "prod", "authentik-outpost-shm-other:colour": "red" });
    assert.equal(readSettings().namespace, "authentik");
  });

  it("takes keys with :config: in them, as older engines write them", () => {
    setConfig({ ...MINIMAL, "authentik-outpost-shm:config:verify": "true" });
    assert.equal(readSettings().verify, true);
  });

  it("reports unknown keys and values that are no JSON", () => {
    setConfig({ namespace: "authentik", outposts: "[Proxy", shmSiz: "1Gi" });
    assert.throws(readSettings, {
      problems: [
        "shmSiz: unknown key; did you mean shmSize?",
        `outposts: "[Proxy" is text, not a list; add one with: pulumi config set --path 'outposts[0]' "<name in authentik>"`,
      ],
    });
  });

  it("tells a token stored as a secret from one in plain text", () => {
    const values = { ...MINIMAL, authentikToken: "t0ken" };
    setConfig(values, ["authentikToken"]);
    assert.doesNotThrow(readSettings);
    setConfig(values, ["shmSize"]);
    assert.throws(readSettings, {
      problems: [
        "authentikToken: stored in plain text; revoke it in authentik, then store a new one with: pulumi config set --secret authentik-outpost-shm:authentikToken",
      ],
    });
  });

  const ACCESS = { ...MINIMAL, authentikUrl: "https://auth.example.com/", authentikToken: "t0ken" };

  it("gives access to authentik, the token in plain text", () => {
    setConfig(ACCESS, ["authentikToken"]);
    assert.deepEqual(authentikAccess(readSettings()), { url: "https://auth.example.com", token: "t0ken" });
  });

  it("gives none without URL or token, or with an empty default", () => {
    for (const missing of [{ authentikUrl: "" }, { authentikToken: "" }]) {
      setConfig({ ...ACCESS, ...missing }, ["authentikToken"]);
      assert.equal(authentikAccess(readSettings()), undefined);
    }
    setConfig(MINIMAL);
    assert.equal(authentikAccess(readSettings()), undefined);
  });
});
