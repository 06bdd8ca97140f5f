import assert from "node:assert/strict";
import { startAuthentik, type AuthentikStandIn } from "../../../sandbox/authentik";
import { defaultConfig } from "../../../sandbox/authentik/outpostConfig";

const instances = "api/v3/outposts/instances/";
const patch = [{ op: "add", path: "/metadata/annotations", value: { seen: "yes" } }];

interface Reply {
  status: number;
  body: unknown;
}

describe("authentik's API for outposts", () => {
  let authentik: AuthentikStandIn;

  beforeEach(async () => {
    authentik = await startAuthentik({ namespace: "auth", token: "secret" });
  });
  afterEach(() => authentik.stop());

  async function ask(path: string, init: RequestInit & { token?: string } = {}): Promise<Reply> {
    const { token = "secret", ...rest } = init;
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", ...rest.headers };
    const response = await fetch(`${authentik.url}${path}`, { ...rest, headers, redirect: "manual" });
    const text = await response.text();
    const isJson = response.headers.get("content-type") === "application/json";
    return { status: response.status, body: isJson ? JSON.parse(text) : text };
  }
  const list = (size = 100, page = 1) => ask(`${instances}?ordering=name&page_size=${size}&page=${page}`);
  const change = (pk: string, body: unknown) =>
    ask(`${instances}${pk}/`, { method: "PATCH", body: JSON.stringify(body) });
  const names = ({ body }: Reply) => (body as { results: { name: string }[] }).results.map(({ name }) => name);

  it("listens on loopback only, and draws a token where none is given", async () => {
    const other = await startAuthentik({ namespace: "auth" });
    await other.stop();
    assert.match(authentik.url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    assert.match(other.token, /^[0-9a-f]{60}$/);
  });

  describe("reading", () => {
    it("lists outposts as OutpostSerializer shows them, a page at a time", async () => {
      for (const name of ["Main", "LDAP", "Other"]) await authentik.addOutpost({ name });
      const { pk } = authentik.outpost("Main");

      const { status, body } = await list(2, 1);

      const { results, ...rest } = body as { results: Record<string, unknown>[] };
      const { providers_obj, config, ...main } = results[1];
      assert.equal(status, 200);
      assert.equal(pk, "78f4c917-3c3c-191b-1bf8-8bd986547aeb");
      assert.deepEqual(main, {
        pk,
        name: "Main",
        type: "proxy",
        providers: [1],
        service_connection: "6f1d7a4e-2f5c-4b60-9d3a-5c1e8f0b7a21",
        service_connection_obj: {
          pk: "6f1d7a4e-2f5c-4b60-9d3a-5c1e8f0b7a21",
          name: "Local Kubernetes Cluster",
          local: true,
          component: "ak-service-connection-kubernetes-form",
          verbose_name: "Kubernetes Service-Connection",
          verbose_name_plural: "Kubernetes Service-Connections",
          meta_model_name: "authentik_outposts.kubernetesserviceconnection",
        },
        refresh_interval_s: 300,
        token_identifier: `ak-outpost-${pk}-api`,
        managed: null,
      });
      assert.equal((providers_obj as unknown[]).length, 1);
      assert.deepEqual(config, defaultConfig("auth"));
      assert.deepEqual(rest, {
        pagination: { next: 2, previous: 0, count: 3, current: 1, total_pages: 2, start_index: 1, end_index: 2 },
        autocomplete: {},
      });
      assert.deepEqual(names(await list(2, 2)), ["Other"]);
    });

    it("gives a config back in the order of PostgreSQL's jsonb", async () => {
      const { pk } = await authentik.addOutpost({ name: "Main" });
      await change(pk, { config: { zz: { b: 1, aa: 2, a: [{ y: 1, x: 2 }] }, b: 1, aaa: 2 } });

      const [{ config }] = ((await list()).body as { results: { config: unknown }[] }).results;

      assert.equal(JSON.stringify(config), '{"b":1,"zz":{"a":[{"x":2,"y":1}],"b":1,"aa":2},"aaa":2}');
    });
  });

  describe("changing", () => {
    it("replaces the whole config", async () => {
      const { pk } = await authentik.addOutpost({ name: "Main", config: { kubernetes_replicas: 3 } });
      const config = { kubernetes_json_patches: { deployment: patch } };

      const { status, body } = await change(pk, { config });

      assert.deepEqual([status, (body as { config: unknown }).config], [200, config]);
      assert.deepEqual(authentik.outpost("Main").config, config);
    });

    it("refuses patches that are no lists, and changes nothing", async () => {
      const before = await authentik.addOutpost({ name: "Main" });
      const { status, body } = await change(before.pk, { config: { kubernetes_json_patches: { deployment: null } } });
      assert.equal(status, 400);
      assert.match(JSON.stringify(body), /wrong value type for field .*kubernetes_json_patches/);
      assert.deepEqual(authentik.outpost("Main"), before);
    });
  });

  describe("refusing", () => {
    it("says 403 to anyone who isn't let in, never 401", async () => {
      const bare = await fetch(`${authentik.url}${instances}`);

      assert.deepEqual(
        [bare.status, await bare.json()],
        [403, { detail: "Authentication credentials were not provided." }],
      );
      assert.deepEqual(await ask(instances, { token: "wrong" }), {
        status: 403,
        body: { detail: "Token invalid/expired" },
      });
    });

    it("says 404 as JSON to an unknown outpost, as a page to an unknown path", async () => {
      const unknown = await change("00000000-0000-0000-0000-000000000000", {});
      const path = await ask("wrong/api/v3/outposts/instances/");

      assert.deepEqual(unknown, { status: 404, body: { detail: "No Outpost matches the given query." } });
      assert.equal(path.status, 404);
      assert.match(String(path.body), /^<!DOCTYPE html>/);
    });

    it("says of any other request that it does not know it", async () => {
      const detail = `The stand-in knows no DELETE /${instances}`;
      assert.deepEqual(await ask(instances, { method: "DELETE" }), { status: 501, body: { detail } });
    });

    it("serves under a path, and there only", async () => {
      const other = await startAuthentik({ namespace: "auth", token: "secret", basePath: "/auth/" });
      const headers = { authorization: "Bearer secret" };
      const [under, root] = await Promise.all([
        fetch(`${other.url}${instances}`, { headers }),
        fetch(`${other.url.replace("/auth/", "/")}${instances}`, { headers }),
      ]);
      await other.stop();

      assert.match(other.url, /\/auth\/$/);
      assert.deepEqual([under.status, root.status], [200, 404]);
    });
  });

  describe("misbehaving", () => {
    it("answers a status instead, so often and to such requests as told", async () => {
      const { pk, config } = await authentik.addOutpost({ name: "Main" });
      authentik.misbehave({ status: 502 }, { times: 2 });
      authentik.misbehave({ status: 403 }, { method: "PATCH" });

      const starting = { status: 502, body: { error: "authentik starting..." } };
      assert.deepEqual([await list(), await list()], [starting, starting]);
      assert.equal((await list()).status, 200);
      assert.deepEqual(await change(pk, { config: { kubernetes_replicas: 5 } }), {
        status: 403,
        body: { detail: "You do not have permission to perform this action." },
      });
      assert.deepEqual(authentik.outpost("Main").config, config);
      authentik.behave();
      assert.equal((await change(pk, { config })).status, 200);
      assert.deepEqual(
        authentik.requests.map(({ method, status }) => `${method} ${status}`),
        ["GET 502", "GET 502", "GET 200", "PATCH 403", "PATCH 200"],
      );
    });

    it("answers a page instead of JSON", async () => {
      authentik.misbehave({ html: true });
      const { status, body } = await ask(instances);
      assert.equal(status, 200);
      assert.match(String(body), /<title>Log in - authentik<\/title>/);
    });

    it("hangs up", async () => {
      authentik.misbehave({ hangUp: true }, { times: 1 });
      await assert.rejects(ask(instances), TypeError);
      assert.equal((await ask(instances)).status, 200);
      assert.deepEqual(
        authentik.requests.map(({ status }) => status),
        [0, 200],
      );
    });

    it("answers late, and stops all the same", async () => {
      authentik.misbehave({ delayMs: 600_000 });
      await assert.rejects(ask(instances, { signal: AbortSignal.timeout(200) }), { name: "TimeoutError" });
      const pending = ask(instances);
      await Promise.all([assert.rejects(pending, TypeError), authentik.stop()]);
    });

    it("lets somebody save a config between a read and a write", async () => {
      const { pk } = await authentik.addOutpost({ name: "Main" });
      const scale = (kubernetes_replicas: number) => (config: object) => ({ ...config, kubernetes_replicas }) as never;
      authentik.misbehave({ edit: scale(7) }, { method: "GET", skip: 1, times: 1 });
      authentik.misbehave({ edit: scale(9) }, { method: "PATCH" });
      const replicas = (reply: { config: unknown }) =>
        (reply.config as { kubernetes_replicas: number }).kubernetes_replicas;
      const listed = async () => replicas(((await list()).body as { results: { config: unknown }[] }).results[0]);

      assert.deepEqual([await listed(), await listed(), await listed()], [1, 1, 7]);
      const { body } = await change(pk, { config: { kubernetes_replicas: 2 } });
      assert.equal(replicas(body as { config: unknown }), 2);
      assert.equal(authentik.outpost("Main").config.kubernetes_replicas, 9);
    });
  });
});
