// Answers that enrich a message, and must hold nothing up: read from the stand-in's API.
import assert from "node:assert/strict";
import { authentikClient } from "../../../authentik/client";
import { startAuthentik, type AuthentikStandIn } from "../../../sandbox/authentik";

describe("optional answers of authentik's API", () => {
  let authentik: AuthentikStandIn;
  beforeEach(async () => {
    authentik = await startAuthentik({ namespace: "authentik" });
    const wiki = { pk: 7, name: "Wiki", accessTokenValidity: "weeks=4" };
    const grafana = { pk: 8, name: "Grafana", accessTokenValidity: "hours=1" };
    await authentik.addOutpost({ name: "main", providers: [wiki, grafana] });
    await authentik.addOutpost({ name: "other" });
  });
  afterEach(() => authentik.stop());

  const client = (options = {}) =>
    authentikClient({ url: authentik.url.replace(/\/$/, ""), token: authentik.token, pauseMs: 1, ...options });

  it("are the validities of the outpost's own providers", async () => {
    assert.deepEqual(await client().tokenValidities("main"), [
      { provider: "Grafana", validity: "hours=1" },
      { provider: "Wiki", validity: "weeks=4" },
    ]);
    assert.deepEqual(await client().tokenValidities("other"), [{ provider: "Provider 1", validity: "hours=24" }]);
    assert.deepEqual(await client().tokenValidities("mian"), []);
  });

  it("are who changed an outpost last", async () => {
    const { pk } = authentik.outpost("main");
    assert.equal(await client().lastChangeBy(pk), undefined);
    const scaled = (config: object) => ({ ...config, kubernetes_replicas: 2 });
    await authentik.edit("main", scaled as Parameters<AuthentikStandIn["edit"]>[1]);
    await authentik.edit("main", scaled as Parameters<AuthentikStandIn["edit"]>[1], "terraform");
    await authentik.edit("other", scaled as Parameters<AuthentikStandIn["edit"]>[1], "someone-else");
    assert.equal(await client().lastChangeBy(pk), "terraform");
  });

  it("are left out where the token lacks the right, asked once", async () => {
    for (const path of ["/api/v3/providers/", "/api/v3/events/"]) authentik.misbehave({ status: 403 }, { path });
    assert.deepEqual(await client().tokenValidities("main"), []);
    assert.equal(await client().lastChangeBy(authentik.outpost("main").pk), undefined);
    const statuses = authentik.requests.map(({ status }) => status);
    assert.deepEqual(statuses, [200, 403, 403]);
  });

  it("are left out where authentik is away, asked once", async () => {
    authentik.misbehave({ status: 503 });
    assert.deepEqual(await client().tokenValidities("main"), []);
    assert.equal(await client().lastChangeBy("0a1b"), undefined);
    assert.equal(authentik.requests.length, 2);
  });
});
