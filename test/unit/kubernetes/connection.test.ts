import assert from "node:assert/strict";
import dns, { type LookupAddress } from "node:dns";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { mock } from "node:test";
import { environmentProxy } from "../../../kubernetes/environmentProxy";
import { liveCluster } from "../../../kubernetes/liveCluster";
import { useServers } from "../servers";
import { useTempDir } from "../tempDir";

const kubeconfig = `apiVersion: v1
kind: Config
current-context: one
clusters:
- { name: a, cluster: { server: "https://a.example" } }
- { name: b, cluster: { server: "https://b.example" } }
contexts:
- { name: one, context: { cluster: a, user: me, namespace: sso } }
- { name: two, context: { cluster: b, user: me } }
users:
- { name: me, user: {} }
`;

type Found = (error: null, addresses: LookupAddress[]) => void;

const restore = (name: string, value: string | undefined) =>
  value === undefined ? delete process.env[name] : (process.env[name] = value);

describe("the cluster of a kubeconfig", () => {
  const inDir = useTempDir();
  const server = (config: { context?: string; cluster?: string }) => liveCluster({ kubeconfig, ...config }).server();

  it("is that of the current context, of the context that is given, or the one of the name that is given", async () => {
    assert.equal(await server({}), "https://a.example");
    assert.equal(await server({ context: "two" }), "https://b.example");
    assert.equal(await server({ cluster: "b" }), "https://b.example");
    assert.equal(await server({ context: "two", cluster: "a" }), "https://a.example");
    assert.equal(await liveCluster({ kubeconfig, cluster: "b" }).contextNamespace(), "sso");
  });

  it("stays the one that a question has named, whatever becomes of the file before the answer", async () => {
    const file = inDir("config");
    writeFileSync(file, kubeconfig);
    const cluster = liveCluster({ kubeconfig: file });
    assert.equal(await cluster.server(), "https://a.example");
    writeFileSync(file, kubeconfig.replace("current-context: one", "current-context: two"));
    assert.deepEqual([await cluster.server(), await cluster.contextNamespace()], ["https://a.example", "sso"]);
  });

  describe("from the environment", () => {
    const { KUBECONFIG, HOME } = process.env;
    afterEach(() => {
      restore("KUBECONFIG", KUBECONFIG);
      restore("HOME", HOME);
    });

    it("is that of the first file of $KUBECONFIG, as with kubectl: by its context, and by its entries of the same name", async () => {
      writeFileSync(inDir("first"), kubeconfig);
      writeFileSync(
        inDir("second"),
        kubeconfig
          .replace("current-context: one", "current-context: three")
          .replaceAll(".example", ".elsewhere")
          .replace("name: two", "name: three"),
      );
      writeFileSync(inDir("empty"), "");
      process.env.KUBECONFIG = [inDir("missing"), inDir("empty"), inDir("first"), inDir("second")].join(":");
      assert.equal(await liveCluster({}).server(), "https://a.example");
      assert.equal(await liveCluster({ context: "three" }).server(), "https://b.example");
      process.env.KUBECONFIG = [inDir("second"), inDir("first")].join(":");
      assert.equal(await liveCluster({}).server(), "https://b.elsewhere");
      process.env.KUBECONFIG = [inDir("missing"), inDir("missing too")].join(":");
      const message = "The kubeconfig ($KUBECONFIG, or ~/.kube/config) can't be read: ENOENT.";
      await assert.rejects(liveCluster({}).server(), { message });
    });

    it("may be a path in the home folder, as the Kubernetes provider reads it", async () => {
      process.env.HOME = inDir(".");
      writeFileSync(inDir("config"), kubeconfig);
      assert.equal(await liveCluster({ kubeconfig: "~/config" }).server(), "https://a.example");
    });
  });

  it("is none if the kubeconfig does not have it", async () => {
    await assert.rejects(server({ cluster: "c" }), {
      message:
        'The cluster is to be "c" (kubernetes:cluster, --cluster), which the kubeconfig does not have; it has: a, b.',
    });
  });

  const noContext =
    "The kubeconfig has no current-context: give one of its contexts (kubernetes:context, --context); it has: one, two.";
  const absent: [line: string, instead: string, message: string][] = [
    ["current-context: one", "", noContext],
    ["current-context: one", 'current-context: ""', noContext],
    [
      "current-context: one",
      "current-context: three",
      'The current-context is "three", which the kubeconfig does not have; it has: one, two.',
    ],
    [
      "context: { cluster: a,",
      "context: { cluster: c,",
      'The cluster of context "one" is "c", which the kubeconfig does not have; it has: a, b.',
    ],
    [
      "- { name: me, user: {} }",
      "- { name: you, user: {} }",
      'The user of context "one" is "me", which the kubeconfig does not have; it has: you.',
    ],
  ];
  for (const [line, instead, message] of absent) {
    it(`is none with ${instead ? `"${instead}"` : `no "${line}"`}`, async () => {
      await assert.rejects(liveCluster({ kubeconfig: kubeconfig.replace(line, instead) }).server(), { message });
    });
  }

  it("needs no current context where one is given, nor the context's cluster", async () => {
    const text = kubeconfig.replace("current-context: one", "").replace("{ cluster: a,", "{ cluster: c,");
    assert.equal(await liveCluster({ kubeconfig: text, context: "one", cluster: "b" }).server(), "https://b.example");
  });
});

describe("requests with a kubeconfig", () => {
  const inDir = useTempDir();
  const serve = useServers();
  afterEach(() => mock.restoreAll());

  /** Returns a kubeconfig of one user for an API server that has no pods, and the requests that the server gets. */
  async function served(user: object) {
    const requests: IncomingMessage[] = [];
    const { url } = await serve((request, response) => {
      requests.push(request);
      response.setHeader("content-type", "application/json").end('{ "items": [] }');
    });
    const text = JSON.stringify({
      "current-context": "one",
      clusters: [{ name: "a", cluster: { server: url } }],
      contexts: [{ name: "one", context: { cluster: "a", user: "me" } }],
      users: [{ name: "me", user }],
    });
    return { text, requests };
  }

  it("name the code of a server that refuses at each of its addresses, which has no words", async () => {
    const { server, url } = await serve(() => undefined);
    server.close();
    const addresses = ["127.0.0.1", "127.0.0.2"].map((address) => ({ address, family: 4 }));
    mock.method(dns, "lookup", (_name: string, _options: object, found: Found) => found(null, addresses));
    const local = url.replace("127.0.0.1", "localhost");
    const cluster = liveCluster({ kubeconfig: kubeconfig.replace("https://a.example", local) });
    await assert.rejects(cluster.pods("sso"), { message: /, reason: ECONNREFUSED$/ });
    const at = { namespace: "sso", pod: "main-a", container: "proxy" };
    const message = "exec in container proxy of pod sso/main-a: ECONNREFUSED";
    await assert.rejects(cluster.exec(at, ["df"]), { message });
  });

  it("impersonate a user with its groups, id and more, unless another is asked about", async () => {
    const extra = { "example.com/scopes": ["view", "edit"] };
    const as = { as: "jane", "as-groups": ["ops", "dev, all"], "as-uid": "42", "as-user-extra": extra };
    const { text, requests } = await served(as);
    const cluster = liveCluster({ kubeconfig: text });
    await cluster.pods("sso");
    await cluster.podProxy("sso", "main-a", 9301, "metrics.txt");
    const wish = { namespace: "sso", resource: "pods", verb: "get" };
    await cluster.selfMay(wish, "system:serviceaccount:sso:default");
    const sent = requests.map(({ headersDistinct }) =>
      Object.entries(headersDistinct).filter(([name]) => name.startsWith("impersonate-")),
    );
    const jane = [
      ["impersonate-user", ["jane"]],
      ["impersonate-group", ["ops", "dev, all"]],
      ["impersonate-uid", ["42"]],
      ["impersonate-extra-example.com%2fscopes", ["view", "edit"]],
    ];
    assert.deepEqual(sent, [jane, jane, [["impersonate-user", ["system:serviceaccount:sso:default"]]]]);
  });

  it("wait for one run of a credential plugin, for longer than for an answer, show what it asks, and keep what never expires", async () => {
    const run = `echo run >> "$RUNS"; echo "Enter code 1234" >&2; sleep 1; echo '{ "status": { "token": "t0ken" } }'`;
    const env = [{ name: "RUNS", value: inDir("runs") }];
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "sh", args: ["-c", run], env };
    const { text, requests } = await served({ exec });
    const { setTimeout } = globalThis;
    const shorter = (callback: () => void, ms = 0) => setTimeout(callback, Math.min(ms, 500));
    mock.method(globalThis, "setTimeout", shorter);
    for (const stream of [process.stdin, process.stderr])
      Object.defineProperty(stream, "isTTY", { value: true, configurable: true });
    let shown = "";
    mock.method(process.stderr, "write", (text: string) => (shown += text));
    const cluster = liveCluster({ kubeconfig: text });
    await Promise.all([cluster.pods("sso"), cluster.pods("sso")]);
    await cluster.pods("sso");
    const sent = requests.map(({ headers }) => headers.authorization);
    assert.deepEqual(sent, Array(3).fill("Bearer t0ken"));
    assert.equal(readFileSync(inDir("runs"), "utf8"), "run\n");
    assert.equal(shown, "Enter code 1234\n");
    for (const stream of [process.stdin, process.stderr]) Reflect.deleteProperty(stream, "isTTY");
  });

  it("tell a credential plugin what kubectl does: the format that is wanted, and the cluster if it asks for that", async () => {
    const run = `echo "$KUBERNETES_EXEC_INFO" >> "$TOLD"; echo '{ "status": { "token": "t0ken" } }'`;
    const env = [{ name: "TOLD", value: inDir("told") }];
    const apiVersion = "client.authentication.k8s.io/v1";
    for (const provideClusterInfo of [false, true]) {
      const exec = { apiVersion, command: "sh", args: ["-c", run], env, provideClusterInfo };
      await liveCluster({ kubeconfig: (await served({ exec })).text }).pods("sso");
    }
    const told = readFileSync(inDir("told"), "utf8").trim().split("\n");
    const [plain, full] = told.map((line) => JSON.parse(line) as { spec: { cluster?: object } });
    assert.deepEqual(plain, { kind: "ExecCredential", apiVersion, spec: { interactive: false } });
    assert.deepEqual(Object.keys(full.spec.cluster!), ["server", "insecure-skip-tls-verify"]);
  });

  it("have the token of a file beside it, as it is at the time, instead of the token within", async () => {
    const { text, requests } = await served({ token: "old", tokenFile: "token" });
    writeFileSync(inDir("config"), text);
    const cluster = liveCluster({ kubeconfig: inDir("config") });
    for (const token of ["first", "second"]) {
      writeFileSync(inDir("token"), `${token}\n`);
      await cluster.pods("sso");
    }
    const sent = requests.map(({ headers }) => headers.authorization);
    assert.deepEqual(sent, ["Bearer first", "Bearer second"]);
    rmSync(inDir("token"));
    await assert.rejects(cluster.pods("sso"), { message: /: ENOENT: no such file or directory, open '.*token'$/ });
  });
});

describe("the end of a log", () => {
  const serve = useServers();
  const at = { namespace: "sso", pod: "main-a", container: "proxy" };

  /** Asks for 2,000 lines of a log that is served as the kubelet does it: of the last lines, the first bytes. */
  async function read(lines: string[]) {
    const asked: number[] = [];
    const { url } = await serve(({ url: path }, response) => {
      const { searchParams } = new URL(path!, url);
      const [last, bytes] = ["tailLines", "limitBytes"].map((name) => Number(searchParams.get(name)));
      asked.push(last);
      const text = lines.slice(-last).join("\n");
      response.setHeader("content-type", "text/plain").end(Buffer.from(text).subarray(0, bytes));
    });
    const cluster = liveCluster({ kubeconfig: kubeconfig.replace("https://a.example", url) });
    return { asked, log: (await cluster.log(at, { tailLines: 2000 })).split("\n") };
  }

  it("has the newest lines, however long, and no more than a mebibyte", async () => {
    const lines = Array.from({ length: 3000 }, (_, line) => `${line} ${"ü".repeat(500)}`);
    const { asked, log } = await read(lines);
    assert.deepEqual([asked, log], [[2000, 1000], lines.slice(-1000)]);
  });

  it("is asked for once where it is short, and may be the beginning of one endless line", async () => {
    assert.deepEqual(await read(["one", "two"]), { asked: [2000], log: ["one", "two"] });
    const { asked, log } = await read(["x".repeat(3 * 1024 * 1024)]);
    assert.deepEqual([asked.at(-1), log], [1, ["x".repeat(1024 * 1024)]]);
  });
});

describe("the proxy of the environment", () => {
  const serve = useServers();
  const { HTTPS_PROXY, NO_PROXY } = process.env;
  afterEach(() => {
    restore("HTTPS_PROXY", HTTPS_PROXY);
    restore("NO_PROXY", NO_PROXY);
  });

  it("is asked for the way to the API server by every request, unless the kubeconfig names one", async () => {
    const asked: unknown[] = [];
    const proxyAt = async (name: string) => {
      const { server, url } = await serve(() => assert.fail("asked for more than a way"));
      server.on("connect", ({ url, headers }, socket) => {
        asked.push([name, url, headers["proxy-authorization"]]);
        socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      });
      return url.replace("//", "//me:secret@");
    };
    process.env.HTTPS_PROXY = await proxyAt("environment");
    process.env.NO_PROXY = "b.example";
    const refusal = (what: string, reason = "the proxy refuses the way there, HTTP 407") => ({
      message: `No answer from the Kubernetes API at https://a.example to ${what}: ${reason}`,
    });
    const cluster = liveCluster({ kubeconfig });
    await assert.rejects(cluster.pods("sso"), refusal("list the pods in sso"));
    const pass = "pass a request on to port 9301 of pod sso/main-a";
    await assert.rejects(cluster.podProxy("sso", "main-a", 9301, "metrics.txt"), refusal(pass));
    const named = kubeconfig.replace('a.example"', `a.example", proxy-url: "${await proxyAt("kubeconfig")}"`);
    await assert.rejects(liveCluster({ kubeconfig: named }).pods("sso"), refusal("list the pods in sso"));
    const [way, authorization] = ["a.example:443", `Basic ${Buffer.from("me:secret").toString("base64")}`];
    assert.deepEqual(
      asked,
      ["environment", "environment", "kubeconfig"].map((name) => [name, way, authorization]),
    );
  });

  const api = "https://api.k8s.example:6443";
  const proxy = "http://proxy.example:3128";
  /** True if there is one for a server, by NO_PROXY. */
  const cases: [noProxy: string, server: string, isProxied: boolean][] = [
    ["", api, true],
    ["", "https://localhost:6443", false],
    ["", "https://127.9.9.9:6443", false],
    ["", "https://[::1]:6443", false],
    ["", "http://api.k8s.example", false],
    ["", "no address", false],
    ["*", api, false],
    ["other, K8s.Example ", api, false],
    [".k8s.example", api, false],
    ["*.k8s.example", api, false],
    ["api.k8s.example", api, false],
    [".api.k8s.example", api, true],
    ["8s.example", api, true],
    [",,", api, true],
    ["k8s.example:6443", api, false],
    ["k8s.example:443", api, true],
    ["k8s.example:443", "https://api.k8s.example", false],
    ["10.0.0.0/8", "https://10.1.2.3", false],
    ["10.0.0.0/8", "https://11.1.2.3", true],
    ["10.0.0.0/33,10.0.0.0/,10.0.0.0/8x", "https://10.1.2.3", true],
    ["10.1.2.3", "https://10.1.2.3", false],
    ["10.1.2.3:6443", "https://10.1.2.3", true],
    ["fd00::/8", "https://[fd12::1]", false],
    ["fd12:0::1", "https://[fd12::1]", false],
    ["[fd12::1]:443", "https://[fd12::1]", false],
    ["[fd12::1]:6443", "https://[fd12::1]", true],
  ];
  for (const [noProxy, server, isProxied] of cases) {
    it(`is ${isProxied ? "" : "not "}for ${server} where NO_PROXY is "${noProxy}"`, () => {
      const expected = isProxied ? proxy : undefined;
      assert.equal(environmentProxy(server, { HTTPS_PROXY: proxy, NO_PROXY: noProxy }), expected);
    });
  }

  it("may be given in small letters and without a scheme", () => {
    assert.equal(environmentProxy(api, { https_proxy: "proxy.example:3128" }), proxy);
    assert.equal(environmentProxy(api, { HTTPS_PROXY: proxy, no_proxy: "*" }), undefined);
    assert.equal(environmentProxy(api, {}), undefined);
  });
});
