import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { clients, type Clients } from "../../../sandbox/clients";
import { startCluster, type Cluster } from "../../../sandbox/cluster";
import { createOutpost, deleteOutpost, type OutpostSpec } from "../../../sandbox/outpost";
import { silentProgress } from "../../../sandbox/progress";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { waitUntil } from "../../../sandbox/waitUntil";
import { sharedCluster } from "./fixture";
import { problemsOf } from "./harness";
import { statusOf } from "./httpStatus";
import { listenersOf } from "./listeners";

describe("the sandbox cluster", () => {
  let cluster: Cluster;
  let api: Clients;

  before(async () => {
    cluster = await sharedCluster();
    api = await clients(cluster.kubeconfig);
  });

  it("has the context sandbox in a kubeconfig that only its owner reads, and verifies the server", async () => {
    assert.equal(statSync(cluster.kubeconfig).mode & 0o777, 0o600);
    assert.deepEqual([api.kubeConfig.getCurrentContext(), cluster.context], ["sandbox", "sandbox"]);
    const text = readFileSync(cluster.kubeconfig, "utf8");
    assert.match(text, /certificate-authority-data: /);
    assert.doesNotMatch(text, /insecure/);
    await assert.rejects(fetch(cluster.server), (error: Error) => {
      assert.match(String((error.cause as { code: string }).code), /SELF_SIGNED_CERT|UNABLE_TO_VERIFY/);
      return true;
    });
  });

  it("refuses a client that shows no token, and one that shows a wrong one", async () => {
    const strangers: Record<string, string>[] = [{}, { authorization: "Bearer admintoken" }];
    for (const headers of strangers) {
      for (const path of ["/readyz", "/version", "/api/v1/namespaces/default/pods"]) {
        assert.equal(await statusOf(`${cluster.server}${path}`, headers), 401, path);
      }
    }
  });

  it("creates an outpost as authentik does, with every field written by goauthentik.io, and deletes it", async () => {
    const { apps, core } = api;
    const namespace = "cluster-test-outpost";
    const spec: OutpostSpec = { namespace, name: "My Outpost", replicas: 2 };
    await createOutpost(cluster.kubeconfig, spec);
    const target = { namespace, name: "ak-outpost-my-outpost" };
    const [secret, service] = [await core.readNamespacedSecret(target), await core.readNamespacedService(target)];
    const deployment = await apps.readNamespacedDeployment(target);
    for (const { metadata } of [secret, service, deployment]) {
      const writers = metadata!.managedFields!.filter(({ subresource }) => subresource === undefined);
      assert.deepEqual(
        writers.map(({ manager, operation }) => `${manager} ${operation}`),
        ["goauthentik.io Update"],
      );
    }
    assert.equal(deployment.status?.availableReplicas, 2);
    await assert.rejects(createOutpost(cluster.kubeconfig, spec), /already exists/);
    await deleteOutpost(cluster.kubeconfig, spec);
    await assert.rejects(apps.readNamespacedDeployment(target), { code: 404 });
    await deleteOutpost(cluster.kubeconfig, spec); // a missing object is no error
    await core.deleteNamespace({ name: namespace });
  });

  it("listens on one loopback port and nowhere else", function () {
    if (process.platform !== "linux") this.skip(); // read from /proc
    const listeners = processesIn(cluster.dir).flatMap(listenersOf);
    assert.deepEqual(listeners, [new URL(cluster.server).host]);
  });
});

describe("a cluster of its own, without the kind MutatingAdmissionPolicy", function () {
  this.timeout(120_000);
  const isLinux = process.platform === "linux";
  const dir = createStateFolder("own-cluster");
  const said: string[] = [];
  let cluster: Cluster;

  before(async () => {
    const apiVersion = "admissionregistration.k8s.io/v1";
    const apiServerFlags = [
      `--runtime-config=${apiVersion}/mutatingadmissionpolicies=false,${apiVersion}/mutatingadmissionpolicybindings=false`,
      "--disable-admission-plugins=MutatingAdmissionPolicy",
    ];
    const progress = { ...silentProgress, say: (line: string) => said.push(line) };
    const started = Date.now();
    cluster = await startCluster({ dir, progress, apiServerFlags });
    assert.ok(Date.now() - started < 60_000, "starts within a minute");
  });
  after(() => cluster?.stop());

  it("refuses a folder in use", async () => {
    await assert.rejects(startCluster({ dir, progress: silentProgress }), {
      message: `${dir} holds a cluster already: stop that one first, or, if none runs, remove ${join(dir, "state")}`,
    });
    assert.equal(processesIn(dir).length, isLinux ? 5 : 0);
  });

  it("has no delivery by admission, and the preflight says so", async () => {
    const namespace = "own-cluster";
    await createOutpost(cluster.kubeconfig, { namespace, name: "main" });
    const settings = { namespace, outposts: ["main"], delivery: "admission" };
    const [problem, ...more] = await problemsOf(cluster.kubeconfig, "own-cluster", settings);
    assert.deepEqual(more, []);
    assert.match(
      problem,
      /^delivery admission: this cluster runs Kubernetes v\S+ and has no MutatingAdmissionPolicy \(on by default from 1\.36 on\)\. Set `delivery` to deployment\.$/,
    );
  });

  it("tells of a process that dies", async function () {
    if (!isLinux) this.skip(); // read from /proc
    const isScheduler = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("kube-scheduler");
    process.kill(processesIn(dir).find(isScheduler)!, "SIGKILL");
    const isDead = () => Promise.resolve(cluster.death.aborted || undefined);
    await waitUntil(isDead, { what: "the death", timeoutMs: 10_000 });
    assert.match(
      said.at(-1)!,
      /^ProcessDied: kube-scheduler ended \(killed by SIGKILL\)\. The end of .*kube-scheduler\.log:\n/,
    );
  });

  it("leaves no process and no state when it is stopped", async () => {
    await cluster.stop();
    await cluster.stop(); // a second call does nothing
    assert.deepEqual(processesIn(dir), []);
    assert.deepEqual(readdirSync(dir), ["log"]);
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
