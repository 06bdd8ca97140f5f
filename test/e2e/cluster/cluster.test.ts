import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { startCluster, type Cluster } from "../../../sandbox/cluster";
import { createOutpost, deleteOutpost, referenceDeployment, type OutpostSpec } from "../../../sandbox/outpost";
import { silentProgress } from "../../../sandbox/progress";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { ensureTools } from "../../../sandbox/toolchain";
import { waitUntil } from "../../../sandbox/waitUntil";
import { sharedCluster } from "./fixture";
import { statusOf } from "./httpStatus";
import { listenersOf } from "./listeners";

describe("the sandbox cluster", () => {
  let cluster: Cluster;
  let kubectl: (...args: string[]) => string;

  before(async () => {
    cluster = await sharedCluster();
    const tools = await ensureTools(["kubectl"], silentProgress);
    kubectl = (...args) =>
      execFileSync(tools.kubectl, [`--kubeconfig=${cluster.kubeconfig}`, ...args], { encoding: "utf8" });
  });

  it("has the context sandbox in a kubeconfig that only its owner reads, and verifies the server", async () => {
    assert.equal(statSync(cluster.kubeconfig).mode & 0o777, 0o600);
    assert.equal(kubectl("config", "current-context"), "sandbox\n");
    assert.equal(cluster.context, "sandbox");
    const text = readFileSync(cluster.kubeconfig, "utf8");
    assert.match(text, /certificate-authority-data: /);
    assert.doesNotMatch(text, /insecure/);
    await assert.rejects(fetch(cluster.server), (error: Error) => {
      assert.match(String((error.cause as { code: string }).code), /SELF_SIGNED_CERT|UNABLE_TO_VERIFY/);
      return true;
    });
  });

  it("refuses a client that shows no token, and one that shows a wrong one", async () => {
    const clients: Record<string, string>[] = [{}, { authorization: "Bearer admintoken" }];
    for (const headers of clients) {
      for (const path of ["/readyz", "/version", "/api/v1/namespaces/default/pods"]) {
        assert.equal(await statusOf(`${cluster.server}${path}`, headers), 401, path);
      }
    }
  });

  it("creates an outpost as authentik does: every field written by goauthentik.io, replicas available on the node", async () => {
    const spec: OutpostSpec = { namespace: "cluster-test-outpost", name: "My Outpost", replicas: 2 };
    await createOutpost(cluster.kubeconfig, spec);
    const get = (kind: string) =>
      JSON.parse(
        kubectl("-n", spec.namespace, "get", kind, "ak-outpost-my-outpost", "-ojson", "--show-managed-fields"),
      ) as {
        metadata: { managedFields: { manager: string; operation: string; subresource?: string }[] };
        spec?: { template: unknown; selector: unknown };
        status?: { availableReplicas: number };
      };
    for (const kind of ["secret", "deployment", "service"]) {
      const writers = get(kind).metadata.managedFields.filter(({ subresource }) => subresource === undefined);
      const manager = "goauthentik.io";
      assert.deepEqual(
        writers.map(({ manager, operation }) => ({ manager, operation })),
        [{ manager, operation: "Update" }],
        kind,
      );
    }
    assert.equal(get("deployment").status?.availableReplicas, 2);
    assert.deepEqual(get("deployment").spec?.selector, referenceDeployment(spec).spec?.selector);
    const nodes = kubectl("-n", spec.namespace, "get", "pods", "-ojsonpath={.items[*].spec.nodeName}");
    assert.equal(nodes, "sandbox-node sandbox-node");
    await assert.rejects(createOutpost(cluster.kubeconfig, spec), /already exists/);
    await deleteOutpost(cluster.kubeconfig, spec);
    await deleteOutpost(cluster.kubeconfig, spec); // a missing object is no error
    kubectl("delete", "namespace", spec.namespace, "--wait=false");
  });

  it("listens on one loopback port and nowhere else", function () {
    if (process.platform !== "linux") this.skip(); // read from /proc
    const listeners = processesIn(cluster.dir).flatMap(listenersOf);
    assert.deepEqual(listeners, [new URL(cluster.server).host]);
  });
});

describe("a cluster of its own", function () {
  this.timeout(120_000);

  it("leaves no process and no state when it is stopped, and refuses a folder in use", async () => {
    const dir = createStateFolder("own-cluster");
    const started = Date.now();
    const cluster = await startCluster({ dir, progress: silentProgress });
    assert.ok(Date.now() - started < 60_000, "starts within a minute");
    await assert.rejects(startCluster({ dir, progress: silentProgress }), {
      message: `${dir} holds a cluster already: stop that one first, or, if none runs, remove ${join(dir, "state")}`,
    });
    assert.equal(processesIn(dir).length, process.platform === "linux" ? 5 : 0);

    await cluster.stop();
    await cluster.stop(); // a second call does nothing
    assert.deepEqual(processesIn(dir), []);
    assert.deepEqual(readdirSync(dir), ["log"]);
    rmSync(dir, { recursive: true });
  });

  it("tells of a process that dies while it runs", async function () {
    if (process.platform !== "linux") this.skip();
    const dir = createStateFolder("own-cluster");
    const said: string[] = [];
    const cluster = await startCluster({ dir, progress: { ...silentProgress, say: (line) => said.push(line) } });
    const scheduler = processesIn(dir).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("kube-scheduler"),
    );
    process.kill(scheduler!, "SIGKILL");
    await waitUntil(() => Promise.resolve(cluster.death.aborted || undefined), {
      what: "the death",
      timeoutMs: 10_000,
    });
    assert.match(
      said.at(-1)!,
      /^ProcessDied: kube-scheduler ended \(killed by SIGKILL\)\. The end of .*kube-scheduler\.log:\n/,
    );
    await cluster.stop();
    assert.deepEqual(processesIn(dir), []);
    rmSync(dir, { recursive: true });
  });
});

/** Lists the processes that run in the state folder of the cluster in `dir`. Only works on Linux, and is empty elsewhere. */
function processesIn(dir: string): number[] {
  if (!existsSync("/proc/self/cwd")) return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const inDir = pids.filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(join(dir, "state"));
    } catch {
      return false; // gone, or another user's
    }
  });
  return inDir.map(Number);
}
