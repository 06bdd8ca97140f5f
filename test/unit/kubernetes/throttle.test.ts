// Requests to an API server that a test plays, since a real one is busy only when it likes.
import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { liveCluster } from "../../../kubernetes/liveCluster";
import { atMost, retryAfter } from "../../../kubernetes/throttle";
import { useServers } from "../servers";

const tooMany = { kind: "Status", message: "Too many requests, please try again later.", code: 429 };

describe("requests to the API server", () => {
  const serve = useServers();

  async function served(answer: RequestListener) {
    const { server, url } = await serve(answer);
    let connections = 0;
    server.on("connection", () => connections++);
    const kubeconfig = JSON.stringify({
      clusters: [{ name: "test", cluster: { server: url, "insecure-skip-tls-verify": true } }],
      users: [{ name: "me", user: { token: "t0ken" } }],
      contexts: [{ name: "test", context: { cluster: "test", user: "me" } }],
      "current-context": "test",
    });
    return { server, cluster: liveCluster({ kubeconfig }), connections: () => connections };
  }

  const json: (code: number, body: unknown, headers?: Record<string, string>) => RequestListener =
    (code, body, headers) => (_request, response) =>
      void response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  const busy = json(429, tooMany, { "retry-after": "0" });
  const podList = json(200, { kind: "PodList", items: [{ metadata: { name: "main-a" } }] });

  it("are sent again while it is too busy", async () => {
    let requests = 0;
    const { cluster } = await served((...args) => (++requests < 10 ? busy : podList)(...args));
    assert.equal((await cluster.pods("sso"))[0].metadata?.name, "main-a");
    assert.equal(requests, 10);
  });

  it("are sent again for an exec too", async () => {
    const { server, cluster } = await served(json(403, { kind: "Status", message: "no" }));
    let upgrades = 0;
    server.on("upgrade", (_request, socket) => {
      const status = ++upgrades === 1 ? "429 Too Many Requests" : "403 Forbidden";
      socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
    });
    const at = { namespace: "sso", pod: "main-a", container: "proxy" };
    await assert.rejects(cluster.exec(at, ["df"]), { message: "exec in container proxy of pod sso/main-a: no" });
    assert.equal(upgrades, 2);
  });

  it("fail with its words after ten", async () => {
    let requests = 0;
    const { cluster } = await served((...args) => (requests++, busy(...args)));
    await assert.rejects(cluster.pods("sso"), {
      message: "Kubernetes refused to list the pods in sso: Too many requests, please try again later.",
    });
    assert.equal(requests, 10);
  });

  it("are sent once where the answer is another", async () => {
    let requests = 0;
    const { cluster } = await served((...args) => (requests++, json(403, { kind: "Status", message: "no" })(...args)));
    await assert.rejects(cluster.pods("sso"), { message: "Kubernetes refused to list the pods in sso: no" });
    assert.equal(requests, 1);
  });

  it("tell what a policy refuses from what the account may not do and from bad content, by any code", async () => {
    const dryRun = async (code: number, message: string) => {
      const { cluster } = await served(json(code, { kind: "Status", message }));
      return cluster.dryRunApply("sso", "main", "me", {});
    };
    const right =
      'deployments.apps "main" is forbidden: User "me" cannot patch resource "deployments" in API group "apps"';
    assert.deepEqual(await dryRun(403, right), { outcome: "forbidden", reason: right });
    /** Asks about the content of a new object. The client first asks what the API server calls its kind. */
    const refusal = async (code: number, message: string) => {
      const resources = json(200, { resources: [{ name: "configmaps", kind: "ConfigMap", namespaced: true }] });
      const refused = json(code, { kind: "Status", message });
      const { cluster } = await served((...args) => (args[0].method === "GET" ? resources : refused)(...args));
      return cluster.refusal({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "some", namespace: "sso" } });
    };
    const webhook = 'admission webhook "validation.gatekeeper.sh" denied the request: no native sidecars';
    const policy = `deployments.apps "main" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no`;
    for (const [code, reason] of [
      [403, webhook],
      [400, webhook],
      [403, policy],
      // The code of a policy that names no `reason`.
      [422, policy],
      [422, "spec: Invalid value"],
    ] as const) {
      assert.deepEqual(await dryRun(code, reason), { outcome: "invalid", reason });
      assert.equal(await refusal(code, reason), reason.startsWith("spec") ? reason : undefined);
    }
  });

  it("share a connection, those to a pod too", async () => {
    const { cluster, connections } = await served((...args) => podList(...args));
    for (let round = 0; round < 3; round++) {
      await cluster.pods("sso");
      await cluster.podProxy("sso", "main-a", 9301, "metrics.txt");
    }
    assert.equal(connections(), 1);
  });

  it("are sixteen at a time at most, and the others have theirs after them", async () => {
    let underWay = 0;
    let most = 0;
    const { cluster, connections } = await served((...args) => {
      most = Math.max(most, ++underWay);
      setTimeout(() => (underWay--, podList(...args)), 20);
    });
    const lists = await Promise.all(Array.from({ length: 50 }, () => cluster.pods("sso")));
    assert.deepEqual([lists.length, most, connections()], [50, 16, 16]);
  });

  it("leave their place to the next one when they fail", async () => {
    const inTurn = atMost(1);
    const order: string[] = [];
    const work = (name: string) => inTurn(() => (order.push(name), Promise.reject(new Error(name))));
    await Promise.allSettled([work("one"), work("two"), work("three")]);
    assert.deepEqual(order, ["one", "two", "three"]);
  });

  it("wait as long as they are told to, a second by default", () => {
    assert.deepEqual(
      [retryAfter({ "retry-after": "7" }), retryAfter({}), retryAfter({ "retry-after": "soon" })],
      [7, 1, 1],
    );
  });
});
