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
  const change = (path: string, body: unknown, method = "PATCH") => ask(path, { method, body: JSON.stringify(body) });
  const names = ({ body }: Reply) => (body as { results: { name: string }[] }).results.map(({ name }) => name);

  it("listens on loopback only, and draws a token where none is given", async () => {
    const other = await startAuthentik({ namespace: "auth" });
    await other.stop();
    assert.match(authentik.url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    assert.match(other.token, /^[0-9a-f]{60}$/);
  });

  describe("reading", () => {
    it("shows an outpost as OutpostSerializer does", async () => {
      const { pk } = await authentik.addOutpost({ name: "Main" });

      const { status, body } = await ask(`${instances}${pk}/`);

      const { providers_obj, config, ...rest } = body as Record<string, unknown>;
      assert.equal(status, 200);
      assert.equal(pk, "78f4c917-3c3c-191b-1bf8-8bd986547aeb");
      assert.deepEqual(rest, {
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
    });

    it("shows the embedded outpost, and one that nothing deploys", async () => {
      const embedded = await authentik.addOutpost({ embedded: true });
      const { pk } = await authentik.addOutpost({ name: "Elsewhere", serviceConnection: null });

      const shown = (await ask(`${instances}${embedded.pk}/`)).body as Record<string, unknown>;
      const loose = (await ask(`${instances}${pk}/`)).body as Record<string, unknown>;

      assert.deepEqual([shown.name, shown.managed], ["authentik Embedded Outpost", "goauthentik.io/outposts/embedded"]);
      assert.deepEqual([loose.service_connection, loose.service_connection_obj], [null, null]);
    });

    it("gives a config back in the order of PostgreSQL's jsonb", async () => {
      const { pk } = await authentik.addOutpost({ name: "Main" });
      await change(`${instances}${pk}/`, { config: { zz: { b: 1, aa: 2, a: [{ y: 1, x: 2 }] }, b: 1, aaa: 2 } });

      const { body } = await ask(`${instances}${pk}/`);

      const { config } = body as { config: unknown };
      assert.equal(JSON.stringify(config), '{"b":1,"zz":{"a":[{"x":2,"y":1}],"b":1,"aa":2},"aaa":2}');
    });

    it("lists with filters, search and pages", async () => {
      for (const name of ["Main", "main 2", "LDAP"]) await authentik.addOutpost({ name });

      assert.deepEqual(names(await ask(instances)), ["LDAP", "Main", "main 2"]);
      assert.deepEqual(names(await ask(`${instances}?name__iexact=MAIN`)), ["Main"]);
      assert.deepEqual(names(await ask(`${instances}?name__icontains=main`)), ["Main", "main 2"]);
      assert.deepEqual(names(await ask(`${instances}?search=main+2`)), ["main 2"]);
      const { body } = await ask(`${instances}?page_size=2&page=2`);
      assert.deepEqual(
        { ...(body as object), results: [] },
        {
          pagination: { next: 0, previous: 1, count: 3, current: 2, total_pages: 2, start_index: 3, end_index: 3 },
          results: [],
          autocomplete: {},
        },
      );
      assert.deepEqual(await ask(`${instances}?page=3`), { status: 404, body: { detail: "Invalid page." } });
    });
  });

  describe("changing", () => {
    it("replaces the whole config", async () => {
      const { pk } = await authentik.addOutpost({ name: "Main", config: { kubernetes_replicas: 3 } });
      const config = { kubernetes_json_patches: { deployment: patch } };

      const { status, body } = await change(`${instances}${pk}/`, { config });

      assert.deepEqual([status, (body as { config: unknown }).config], [200, config]);
      assert.deepEqual(authentik.outpost("Main").config, config);
    });

    it("takes PUT only with all that an outpost needs", async () => {
      const { pk } = await authentik.addOutpost({ name: "Main" });
      const whole = { name: "Main", type: "proxy", providers: [1], config: { kubernetes_replicas: 2 } };
      const required = ["This field is required."];

      assert.deepEqual(await change(`${instances}${pk}/`, { name: "Main" }, "PUT"), {
        status: 400,
        body: { type: required, providers: required, config: required },
      });
      assert.equal((await change(`${instances}${pk}/`, whole, "PUT")).status, 200);
      assert.deepEqual(authentik.outpost("Main").config, { kubernetes_replicas: 2 });
    });

    const refusals: [what: string, body: unknown, errors: unknown][] = [
      [
        "a config that is no object",
        { config: [] },
        { config: ["Value must be a dictionary, and not have any duplicate keys."] },
      ],
      [
        "a value of the wrong type",
        { config: { kubernetes_replicas: "two" } },
        {
          config: [
            'Failed to validate config: wrong value type for field "kubernetes_replicas" - should be "int" instead of value "two" of type "str"',
          ],
        },
      ],
      [
        "patches that are no lists",
        { config: { kubernetes_json_patches: { deployment: null } } },
        {
          config: [
            'Failed to validate config: wrong value type for field "kubernetes_json_patches" - should be "dict[str, list[dict[str, typing.Any]]] | None" instead of value "{"deployment":null}" of type "dict"',
          ],
        },
      ],
      ["no name", { name: "" }, { name: ["This field may not be blank."] }],
      ["an unknown type", { type: "smtp" }, { type: ['"smtp" is not a valid choice.'] }],
      ["no provider", { providers: [] }, { providers: ["This list may not be empty."] }],
      ["a list", [], { non_field_errors: ["Invalid data. Expected a dictionary, but got list."] }],
    ];
    for (const [what, sent, body] of refusals) {
      it(`refuses ${what}, and changes nothing`, async () => {
        const before = await authentik.addOutpost({ name: "Main" });

        assert.deepEqual(await change(`${instances}${before.pk}/`, sent), { status: 400, body });

        assert.deepEqual(authentik.outpost("Main"), before);
      });
    }

    it("refuses what is not JSON", async () => {
      const { pk } = await authentik.addOutpost({ name: "Main" });
      const path = `${instances}${pk}/`;
      const malformed = await ask(path, { method: "PATCH", body: "{" });
      const form = await ask(path, { method: "PATCH", body: "a=b", headers: { "content-type": "text/plain" } });

      assert.deepEqual(malformed, { status: 400, body: { detail: "JSON parse error" } });
      assert.deepEqual(form, { status: 415, body: { detail: 'Unsupported media type "text/plain" in request.' } });
    });
  });

  describe("refusing", () => {
    it("says 403 to who isn't let in, never 401", async () => {
      const bare = await fetch(`${authentik.url}${instances}`);
      const basic = await ask(instances, { headers: { authorization: "Basic YTpi" } });

      assert.deepEqual(
        [bare.status, await bare.json()],
        [403, { detail: "Authentication credentials were not provided." }],
      );
      assert.deepEqual(await ask(instances, { token: "wrong" }), {
        status: 403,
        body: { detail: "Token invalid/expired" },
      });
      assert.deepEqual(basic, { status: 403, body: { detail: "Unsupported authentication type" } });
    });

    it("says 404 as JSON to an unknown outpost, as a page to an unknown path", async () => {
      const unknown = await ask(`${instances}00000000-0000-0000-0000-000000000000/`);
      const path = await ask("wrong/api/v3/outposts/instances/");

      assert.deepEqual(unknown, { status: 404, body: { detail: "No Outpost matches the given query." } });
      assert.deepEqual(await ask(`${instances}main/`), { status: 404, body: { detail: "Not found." } });
      assert.equal(path.status, 404);
      assert.match(String(path.body), /^<!DOCTYPE html>/);
    });

    it("says 405 to other methods, and sends those without the last slash on", async () => {
      const deletion = await ask(instances, { method: "DELETE" });
      const slashless = await fetch(`${authentik.url}${instances.slice(0, -1)}?page=1`, { redirect: "manual" });

      assert.deepEqual(deletion, { status: 405, body: { detail: 'Method "DELETE" not allowed.' } });
      assert.deepEqual([slashless.status, slashless.headers.get("location")], [301, `/${instances}?page=1`]);
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
      const path = `${instances}${pk}/`;
      authentik.misbehave({ status: 502 }, { times: 2 });
      authentik.misbehave({ status: 403 }, { method: "PATCH" });

      const starting = { status: 502, body: { error: "authentik starting..." } };
      assert.deepEqual([await ask(path), await ask(path)], [starting, starting]);
      assert.equal((await ask(path)).status, 200);
      assert.deepEqual(await change(path, { config: { kubernetes_replicas: 5 } }), {
        status: 403,
        body: { detail: "You do not have permission to perform this action." },
      });
      assert.deepEqual(authentik.outpost("Main").config, config);
      authentik.behave();
      assert.equal((await change(path, { config })).status, 200);
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
      const path = `${instances}${pk}/`;
      const scale = (kubernetes_replicas: number) => (config: object) => ({ ...config, kubernetes_replicas }) as never;
      authentik.misbehave({ edit: scale(7) }, { method: "GET", skip: 1, times: 1 });
      authentik.misbehave({ edit: scale(9) }, { method: "PATCH" });
      const replicas = ({ body }: Reply) =>
        (body as { config: { kubernetes_replicas: number } }).config.kubernetes_replicas;

      const read = [await ask(path), await ask(path), await ask(`${instances}?name__iexact=main`)];
      const seen = read.slice(0, 2).map(replicas);
      const written = replicas(await change(path, { config: { kubernetes_replicas: 2 } }));

      assert.deepEqual([seen, written], [[1, 1], 2]);
      const [listed] = (read[2]?.body as { results: { config: { kubernetes_replicas: number } }[] }).results;
      assert.equal(listed?.config.kubernetes_replicas, 7);
      assert.equal(authentik.outpost("Main").config.kubernetes_replicas, 9);
    });
  });
});
