import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { authentikError } from "../../../authentik/apiErrors";
import { authentikClient, isAuthentikError } from "../../../authentik/client";
import { useServers } from "../servers";

const token = "a-token-that-shows-nowhere";
const kubernetes = {
  name: "Local Kubernetes Cluster",
  meta_model_name: "authentik_outposts.kubernetesserviceconnection",
};

interface Stored {
  pk: string;
  name: string;
  type: string;
  managed: string | null;
  config: Record<string, unknown>;
  service_connection_obj: object | null;
}
const outpost = (overrides: Partial<Stored> = {}): Stored => ({
  pk: "0a1b",
  name: "main",
  type: "proxy",
  managed: null,
  config: { authentik_host: "https://auth.example.com", kubernetes_replicas: 1 },
  service_connection_obj: kubernetes,
  ...overrides,
});

/** Answers a request before the API does; returns true if it has. */
type Before = (request: IncomingMessage, response: ServerResponse) => boolean | void;

describe("the client of authentik's API", () => {
  const serve = useServers();
  let url: string;
  let stored: Stored[];
  let before: Before;
  let requests: string[];

  beforeEach(async () => {
    stored = [outpost()];
    before = () => false;
    requests = [];
    ({ url } = await serve((request, response) => void answer(request, response)));
  });

  async function answer(request: IncomingMessage, response: ServerResponse) {
    requests.push(request.method!);
    let body = "";
    for await (const chunk of request) body += String(chunk);
    if (before(request, response)) return;
    if (request.method === "PATCH") {
      const changed = stored.find(({ pk }) => request.url!.endsWith(`/${pk}/`))!;
      changed.config = (JSON.parse(body) as Stored).config;
      json(response, 200, changed);
      return;
    }
    const page = Number(new URL(request.url!, url).searchParams.get("page"));
    json(response, 200, {
      pagination: { next: page < stored.length ? page + 1 : 0 },
      results: stored.slice(page - 1, page),
    });
  }

  function json(response: ServerResponse, status: number, body: unknown): true {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    return true;
  }

  const client = (options: object = {}) => authentikClient({ url, token, pauseMs: 1, ...options });
  const instances = () => `${url}/api/v3/outposts/instances/`;
  const firstPage = () => `${instances()}?ordering=name&page_size=100&page=1`;

  /** Asserts the whole message, that the token is not in it, and that nothing was written. */
  async function fails(attempt: Promise<unknown>, message: string) {
    const config = structuredClone(stored.map((one) => one.config));
    await assert.rejects(attempt, (error: Error) => {
      assert.ok(isAuthentikError(error));
      assert.equal(error.message, message);
      assert.ok(!JSON.stringify(error, Object.getOwnPropertyNames(error)).includes(token));
      return true;
    });
    assert.deepEqual(
      stored.map((one) => one.config),
      config,
    );
  }

  it("finds an outpost by its exact name on any page, with the token as bearer", async () => {
    stored = [outpost({ pk: "1", name: "Main" }), outpost({ pk: "2", name: "main 2" }), outpost({ pk: "3" })];
    const seen: unknown[] = [];
    before = ({ headers }) => void seen.push(headers.authorization);
    assert.deepEqual(await client().readOutpost("main"), { pk: "3", name: "main", config: outpost().config });
    assert.deepEqual(seen, Array(3).fill(`Bearer ${token}`));
  });

  /** Outposts that authentik does not deploy, and why. */
  const unfit: Record<string, [overrides: Partial<Stored>, why: string]> = {
    "the embedded one": [
      { managed: "goauthentik.io/outposts/embedded" },
      "is the embedded outpost, which runs within authentik and needs none of this: it keeps its sessions in PostgreSQL since 2025.10, before in Redis; take it off `outposts`",
    ],
    "one of another type": [{ type: "ldap" }, "is of type ldap: only proxy outposts keep sessions in /dev/shm"],
    "one without an integration": [
      { service_connection_obj: null },
      "has no integration, so authentik does not deploy it: choose a Kubernetes integration in authentik, or set its `delivery` to deployment",
    ],
    "one on Docker": [
      {
        service_connection_obj: {
          name: "Local Docker connection",
          meta_model_name: "authentik_outposts.dockerserviceconnection",
        },
      },
      'has the integration "Local Docker connection", which is not a Kubernetes one: only those apply kubernetes_json_patches',
    ],
    "one whose Deployment authentik leaves alone": [
      { config: { kubernetes_disabled_components: ["service", "deployment"] } },
      "has `deployment` among the kubernetes_disabled_components of its config, so authentik does not deploy it: " +
        "take it out, or set its `delivery` to deployment",
    ],
  };
  for (const [what, [overrides, why]] of Object.entries(unfit)) {
    it(`refuses ${what}`, async () => {
      stored = [outpost(overrides)];
      await fails(client().readOutpost("main"), `outpost "main" ${why}`);
      assert.equal((await client().findOutpost({ name: "main" })).name, "main");
    });
  }

  it("names the outposts that there are where none has the name", async () => {
    stored = [outpost(), outpost({ pk: "2", name: "on docker" })];
    await fails(
      client().findOutpost({ name: "nobody" }),
      'authentik has no outpost "nobody"; the token\'s user sees: "main", "on docker". ' +
        "Correct the name in `outposts`, or give the user the permission authentik_outposts.view_outpost",
    );
  });

  it("finds an outpost by its id under another name, and by its name under another id", async () => {
    stored = [outpost({ pk: "1", name: "other" }), outpost({ pk: "2", name: "main" })];
    assert.equal((await client().findOutpost({ pk: "1", name: "main" })).name, "other");
    assert.equal((await client().findOutpost({ pk: "gone", name: "main" })).pk, "2");
  });

  it("refuses JSON of another API", async () => {
    for (const body of [{}, [], { results: 1 }]) {
      before = (_request, response) => json(response, 200, body);
      await fails(
        client().readOutpost("main"),
        `${firstPage()} answered no list of outposts: authentikUrl must be authentik's base URL`,
      );
    }
  });

  /** The answers to the first page, "PAGE" in the messages. */
  const answers: Record<string, [status: number, body: object | string, message: string]> = {
    "401": [
      401,
      {},
      "authentik refuses the token, HTTP 401: authentikToken is wrong, expired, or no API token (Directory > Tokens, intent API)",
    ],
    "a missing permission": [
      403,
      { detail: "You do not have permission to perform this action." },
      "authentik lets the token's user not view outposts, HTTP 403 (You do not have permission to perform this action.): give it the permission authentik_outposts.view_outpost",
    ],
    "a wrong token": [
      403,
      { detail: "Token invalid/expired" },
      "authentik refuses the token, HTTP 403 (Token invalid/expired): authentikToken is wrong, expired, or no API token (Directory > Tokens, intent API)",
    ],
    "a path that is not there": [
      404,
      "<h1>Not Found</h1>",
      "PAGE is not there, HTTP 404: authentikUrl must be authentik's base URL",
    ],
    "HTML instead of JSON": [
      200,
      "<html>",
      "PAGE answered text/html instead of JSON: authentikUrl must be authentik's base URL, and no login page may stand before its API",
    ],
    "another refusal": [400, { detail: "No." }, "authentik refuses GET PAGE, HTTP 400: No."],
  };
  for (const [what, [status, body, message]] of Object.entries(answers)) {
    it(`says what ${what} means, asked once`, async () => {
      before = (_request, response) =>
        typeof body === "string"
          ? (response.writeHead(status, { "content-type": "text/html" }).end(body), true)
          : json(response, status, body);
      await fails(client().readOutpost("main"), message.replace("PAGE", firstPage()));
      assert.equal(requests.length, 1);
    });
  }

  it("follows no redirect", async () => {
    before = (_request, response) => (response.writeHead(301, { location: "https://auth.example.com/" }).end(), true);
    await fails(
      client().readOutpost("main"),
      `${firstPage()} redirects to https://auth.example.com/: set authentikUrl to where authentik is`,
    );
  });

  it("asks again when authentik fails for the moment, and gives up with its last word", async () => {
    let failures = 3;
    before = (_request, response) => failures-- > 0 && json(response, 503, { detail: "starting" });
    assert.equal((await client().readOutpost("main")).pk, "0a1b");
    assert.equal(requests.length, 4);
    failures = 4;
    await fails(client().readOutpost("main"), `authentik failed to answer GET ${firstPage()}, HTTP 503 (starting)`);
    assert.equal(requests.length, 8);
  });

  it("says when there is no answer in time, and where authentik can't be reached", async () => {
    before = () => true;
    await fails(
      client({ timeoutMs: 50, attempts: 2 }).readOutpost("main"),
      `authentik did not answer GET ${firstPage()} within 0.05 s`,
    );
    assert.equal(requests.length, 2);
    const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9"), { code: "ECONNREFUSED" });
    const fetch = () => Promise.reject(new TypeError("fetch failed", { cause: refused }));
    await fails(
      client({ fetch }).readOutpost("main"),
      `authentik can't be reached at ${url}: connect ECONNREFUSED 127.0.0.1:9`,
    );
    const everywhere = Object.assign(new AggregateError([refused, refused]), { code: "ECONNREFUSED" });
    const fetchLocalhost = () => Promise.reject(new TypeError("fetch failed", { cause: everywhere }));
    await fails(
      client({ fetch: fetchLocalhost }).readOutpost("main"),
      `authentik can't be reached at ${url}: ECONNREFUSED`,
    );
  });

  it("tells a certificate that is not trusted, asked once", async () => {
    let asked = 0;
    const cause = Object.assign(new Error("self-signed certificate"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    const fetch = () => ((asked += 1), Promise.reject(new TypeError("fetch failed", { cause })));
    await fails(
      client({ fetch }).readOutpost("main"),
      `the certificate of ${url} is not trusted: self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT); set NODE_EXTRA_CA_CERTS to the file of your CA, or correct authentikUrl`,
    );
    assert.equal(asked, 1);
  });

  it("tells a port that does not speak TLS from one whose certificate is not trusted", async () => {
    const https = url.replace("http:", "https:");
    await assert.rejects(client({ url: https }).readOutpost("main"), {
      message: new RegExp(
        `^${https} does not speak TLS \\(ERR_SSL_[A-Z_]+\\): change authentikUrl to http://, or to a port that does$`,
      ),
    });
    const alert = Object.assign(new Error("alert"), { code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" });
    const fetch = () => Promise.reject(new TypeError("fetch failed", { cause: alert }));
    await fails(
      client({ fetch }).readOutpost("main"),
      `authentik can't be reached at ${url}: alert (ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED)`,
    );
  });

  describe("changing the config", () => {
    const addOurs = (config: object) => ({ ...config, ours: true });

    it("writes all of it back, every other key as it was, and once", async () => {
      assert.deepEqual(await client().changeConfig({ name: "main" }, addOurs), { ...outpost().config, ours: true });
      assert.deepEqual(stored[0].config, { ...outpost().config, ours: true });
      await client().changeConfig({ name: "main" }, addOurs);
      assert.equal(requests.filter((method) => method === "PATCH").length, 1);
    });

    it("says which permission is missing", async () => {
      const detail = "You do not have permission to perform this action.";
      before = ({ method }, response) => method === "PATCH" && json(response, 403, { detail });
      await fails(
        client().changeConfig({ name: "main" }, addOurs),
        `authentik lets the token's user not change outposts, HTTP 403 (${detail}): give it the permission authentik_outposts.change_outpost`,
      );
    });

    it("writes nothing where the change can't be made", async () => {
      const change = () => {
        throw authentikError("no");
      };
      await fails(client().changeConfig({ name: "main" }, change), "no");
      assert.deepEqual(requests, ["GET"]);
    });

    it("starts over from a config that changed between read and write", async () => {
      before = () => {
        if (requests.length === 2) stored[0].config.theirs = 1;
      };
      await client().changeConfig({ name: "main" }, addOurs);
      assert.deepEqual(stored[0].config, { ...outpost().config, theirs: 1, ours: true });
      assert.equal(requests.filter((method) => method === "PATCH").length, 1);
    });

    it("puts ours back where another overwrote it right after the write", async () => {
      before = () => {
        if (requests.length === 4) stored[0].config = { ...outpost().config, theirs: 1 };
      };
      await client().changeConfig({ name: "main" }, addOurs);
      assert.deepEqual(stored[0].config, { ...outpost().config, theirs: 1, ours: true });
    });

    it("gives up where the config never rests", async () => {
      before = () => void (stored[0].config.theirs = requests.length);
      await assert.rejects(client().changeConfig({ name: "main" }, addOurs), {
        message: 'the config of outpost "main" was changed by others each of 5 times between read and write; try again',
      });
      assert.ok(!requests.includes("PATCH"));
    });

    it("looks again after a write without an answer, instead of writing twice", async () => {
      before = (request, response) => {
        if (request.method !== "PATCH") return false;
        stored[0].config = { ...outpost().config, ours: true };
        return json(response, 502, {});
      };
      assert.equal((await client().changeConfig({ name: "main" }, addOurs)).ours, true);
      assert.equal(requests.filter((method) => method === "PATCH").length, 1);
    });
  });
});
