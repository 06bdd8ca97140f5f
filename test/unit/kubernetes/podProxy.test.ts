// A request to a pod through an API server that a test plays, since a real one answers what the pod does.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, RequestListener } from "node:http";
import { getThroughProxy } from "../../../kubernetes/podProxy";
import { useServers } from "../servers";

const asked = { namespace: "sso", pod: "main-a", port: 9301, path: "metrics.txt" };

describe("a request through pods/proxy", () => {
  const serve = useServers();

  async function get(answer: RequestListener): Promise<string> {
    const { KubeConfig } = await import("@kubernetes/client-node");
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromClusterAndUser(
      { name: "test", server: (await serve(answer)).url, skipTLSVerify: true },
      { name: "me", token: "t0ken" },
    );
    return getThroughProxy(kubeConfig, asked);
  }

  it("asks with our credentials, and gives the answer", async () => {
    const requests: IncomingMessage[] = [];
    const text = await get((request, response) => {
      requests.push(request);
      response.end("size 1\n");
    });
    const [{ url, headers }] = requests;
    assert.equal(text, "size 1\n");
    assert.equal(url, "/api/v1/namespaces/sso/pods/main-a:9301/proxy/metrics.txt");
    assert.equal(headers.authorization, "Bearer t0ken");
  });

  it("follows no redirect, which would carry them elsewhere", async () => {
    let followed = false;
    const elsewhere = await serve((_request, response) => {
      followed = true;
      response.end();
    });
    const redirected = get((_request, response) => response.writeHead(302, { location: elsewhere.url }).end());
    await assert.rejects(redirected, { code: 302 });
    assert.ok(!followed);
  });

  it("ends an answer without end", async () => {
    let closed: Promise<unknown> | undefined;
    const endless = get((_request, response) => {
      closed = once(response, "close");
      const more = () => response.write("x".repeat(65_536)) && setImmediate(more);
      response.on("drain", more);
      more();
    });
    await assert.rejects(endless, { code: "EMSGSIZE", message: "the answer is longer than 1 MiB" });
    await closed;
  });

  it("shows what a terminal would obey as question marks", async () => {
    assert.equal(await get((_request, response) => response.end("a\u001b[2Jb\r\nc\u202ed")), "a?[2Jb\nc?d");
  });
});
