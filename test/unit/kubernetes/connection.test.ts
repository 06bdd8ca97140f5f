import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { liveCluster } from "../../../kubernetes/liveCluster";
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

  it("is none if the kubeconfig does not have it", async () => {
    await assert.rejects(server({ cluster: "c" }), {
      message:
        'The cluster is to be "c" (kubernetes:cluster, --cluster), which the kubeconfig does not have; it has: a, b.',
    });
  });
});
