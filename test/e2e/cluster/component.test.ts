// The component in someone else's program: an explicit provider, values that are not known yet, a stranger's fields.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import type { V1PodSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { cronJobName } from "../../../cleaner/names";
import { OutpostShmCleanup } from "../../../components/outpostShmCleanup";
import { clients, type Clients } from "../../../sandbox/clients";
import { createOutpost } from "../../../sandbox/outpost";
import { strictCluster } from "../../../examples/typescript/strictCluster";
import { sharedCluster } from "./fixture";
import { changes, failure, openHarness, plain, type Harness } from "./harness";

describe("the component in anybody's program", () => {
  let harness: Harness;
  let kubeconfig: string;
  let api: Clients;
  before(async () => {
    harness = await openHarness();
    ({ kubeconfig } = await sharedCluster());
    api = await clients(kubeconfig);
  });
  after(() => harness?.close());

  const outposts = [{ name: "Proxy", shmSize: "128Mi" }];
  const children = ["shm", "shm-scripts", "shm-ak-outpost-proxy", "shm-ak-outpost-proxy", "shm-ak-outpost-proxy"];
  const podSpec = async (namespace: string) =>
    (await api.apps.readNamespacedDeployment({ namespace, name: "ak-outpost-proxy" })).spec!.template.spec!;

  it("works on the cluster of the explicit provider, and speaks to no other", async () => {
    await createOutpost(kubeconfig, { namespace: "component-provider", name: "Proxy" });
    const elsewhere = await listen();
    try {
      const { port } = elsewhere.server.address() as AddressInfo;
      const ambient = readFileSync(kubeconfig, "utf8").replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
      const program = () => {
        const provider = new kubernetes.Provider("given", { kubeconfig: readFileSync(kubeconfig, "utf8") });
        new OutpostShmCleanup("shm", { namespace: "component-provider", outposts }, { provider });
      };
      const stack = await harness.stack(program, { "kubernetes:kubeconfig": ambient });
      assert.deepEqual(changes(await stack.up()).sort(), children.map((name) => `create ${name}`).sort());
      const { initContainers, volumes } = await podSpec("component-provider");
      assert.deepEqual(
        initContainers?.map(({ name, restartPolicy }) => [name, restartPolicy]),
        [["shm-cleanup", "Always"]],
      );
      assert.equal(volumes?.find(({ name }) => name === "dshm")?.emptyDir?.sizeLimit, "128Mi");
      assert.deepEqual(changes(await stack.up()), []);
      await stack.destroy();
      assert.equal((await podSpec("component-provider")).initContainers, undefined);
      assert.equal(elsewhere.connections(), 0);
    } finally {
      elsewhere.server.close();
    }
  });

  it("shows all of its children in a preview that does not know the namespace yet, and none as deleted", async () => {
    const program = () => {
      const { metadata } = new kubernetes.core.v1.Namespace("made", {});
      new OutpostShmCleanup("shm", { namespace: metadata.name, solution: "both", outposts });
    };
    const preview = await (await harness.stack(program)).preview();
    const cronJob = Array.from({ length: 7 }, () => "create shm-cronjob");
    const expected = ["create made", ...children.map((name) => `create ${name}`), ...cronJob];
    assert.deepEqual(changes(preview).sort(), expected.sort());
  });

  it("has transforms change what it has no argument for, as in examples/typescript", async () => {
    const namespace = "component-transforms";
    await createOutpost(kubeconfig, { namespace, name: "Proxy" });
    const transforms: pulumi.ResourceTransform[] = [];
    const program = () =>
      void new OutpostShmCleanup("shm", { namespace, solution: "cronjob", outposts }, { transforms: [...transforms] });
    const stack = await harness.stack(program);
    const deployed = async () => {
      await stack.up();
      const { spec } = await api.batch.readNamespacedCronJob({ namespace, name: cronJobName });
      return plain(spec!.jobTemplate.spec!.template.spec) as V1PodSpec;
    };
    const bare = await deployed();
    transforms.push(strictCluster);
    const transformed = await deployed();
    assert.deepEqual(changes(await stack.up()), []);
    const [{ resources, ...container }] = bare.containers;
    assert.deepEqual(transformed, {
      ...bare,
      ...{ nodeSelector: { "kubernetes.io/os": "linux" }, priorityClassName: "background" },
      containers: [{ ...container, resources: { ...resources, limits: { cpu: "500m", memory: "512Mi" } } }],
    });
  });

  it("takes no field by force: the API server's conflict is the answer, and the stranger's value stays", async () => {
    const namespace = "component-conflict";
    await createOutpost(kubeconfig, { namespace, name: "Proxy" });
    const volumes = [{ name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "1Gi" } }];
    const body = { spec: { template: { spec: { volumes } } } };
    const target = { namespace, name: "ak-outpost-proxy", fieldManager: "a-stranger" };
    await api.apps.patchNamespacedDeployment({ ...target, body }, api.strategicMerge);
    const stack = await harness.stack(() => void new OutpostShmCleanup("shm", { namespace, outposts }));
    assert.match(await failure(stack.up()), /conflict with "a-stranger".*\.spec\.template\.spec\.volumes/s);
    const spec = await podSpec(namespace);
    assert.deepEqual([spec.volumes?.[0].emptyDir?.sizeLimit, spec.initContainers], ["1Gi", undefined]);
  });
});

/** Listens in place of a cluster, and counts the connections. */
async function listen(): Promise<{ server: Server; connections: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { server, connections: () => connections };
}
