// The stand-in's answers, compared with those of authentik's own API.
import assert from "node:assert/strict";
import { startAuthentik, type AuthentikStandIn } from "../../../sandbox/authentik";
import { defaultConfig } from "../../../sandbox/authentik/outpostConfig";

const instances = "api/v3/outposts/instances/";

interface Reply {
  status: number;
  body: unknown;
}

describe("authentik's API for outposts", () => {
  let authentik: AuthentikStandIn;

  beforeEach(async () => {
    authentik = await startAuthentik({ namespace: "auth" });
  });
  afterEach(() => authentik.stop());

  async function ask(path: string, init: RequestInit = {}): Promise<Reply> {
    const authorization = `Bearer ${authentik.token}`;
    const response = await fetch(`${authentik.url}${path}`, { headers: { authorization }, ...init });
    return { status: response.status, body: await response.json() };
  }
  const list = (size = 100, page = 1) => ask(`${instances}?ordering=name&page_size=${size}&page=${page}`);
  const change = (pk: string, config: object) =>
    ask(`${instances}${pk}/`, { method: "PATCH", body: JSON.stringify({ config }) });
  const results = ({ body }: Reply) => (body as { results: Record<string, unknown>[] }).results;

  it("listens on loopback only, to a token that nobody can guess", () => {
    assert.match(authentik.url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    assert.match(authentik.token, /^[0-9a-f]{60}$/);
  });

  it("lists outposts as far as they are read, as OutpostSerializer shows them, a page at a time", async () => {
    for (const name of ["Main", "LDAP", "Other"]) await authentik.addOutpost({ name });
    const { pk } = authentik.outpost("Main");
    const first = await list(2, 1);
    const { results: outposts, ...rest } = first.body as { results: Record<string, unknown>[] };
    const { config, ...main } = outposts[1];
    assert.equal(first.status, 200);
    assert.equal(pk, "78f4c917-3c3c-191b-1bf8-8bd986547aeb");
    assert.deepEqual(main, {
      pk,
      name: "Main",
      type: "proxy",
      providers: [1],
      service_connection_obj: {
        pk: "6f1d7a4e-2f5c-4b60-9d3a-5c1e8f0b7a21",
        name: "Local Kubernetes Cluster",
        local: true,
        meta_model_name: "authentik_outposts.kubernetesserviceconnection",
      },
      managed: null,
    });
    assert.deepEqual(config, defaultConfig("auth"));
    assert.deepEqual(rest, {
      pagination: { next: 2, previous: 0, count: 3, current: 1, total_pages: 2, start_index: 1, end_index: 2 },
      autocomplete: {},
    });
    assert.deepEqual(
      results(await list(2, 2)).map(({ name }) => name),
      ["Other"],
    );
  });

  it("replaces the whole config, and gives it back in the order of PostgreSQL's jsonb", async () => {
    const { pk } = await authentik.addOutpost({ name: "Main", config: { kubernetes_replicas: 3 } });
    const config = { zz: { b: 1, aa: 2, a: [{ y: 1, x: 2 }] }, b: 1, aaa: 2 };
    const { status, body } = await change(pk, config);
    assert.deepEqual([status, (body as { config: unknown }).config], [200, config]);
    const [stored] = results(await list());
    assert.equal(JSON.stringify(stored.config), '{"b":1,"zz":{"a":[{"x":2,"y":1}],"b":1,"aa":2},"aaa":2}');
  });

  it("refuses patches that are no lists, and changes nothing", async () => {
    const before = await authentik.addOutpost({ name: "Main" });
    const { status, body } = await change(before.pk, { kubernetes_json_patches: { deployment: null } });
    assert.equal(status, 400);
    assert.match(JSON.stringify(body), /wrong value type for field .*kubernetes_json_patches/);
    assert.deepEqual(authentik.outpost("Main"), before);
  });

  it("says 403 to anyone who isn't let in, never 401", async () => {
    assert.deepEqual(await ask(instances, { headers: {} }), {
      status: 403,
      body: { detail: "Authentication credentials were not provided." },
    });
    assert.deepEqual(await ask(instances, { headers: { authorization: "Bearer wrong" } }), {
      status: 403,
      body: { detail: "Token invalid/expired" },
    });
  });
});
