// The stand-in's reconciler on a real API server, compared with measurements of authentik's own.
import assert from "node:assert/strict";
import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { startAuthentik, type AuthentikStandIn, type OutpostConfig, type Writes } from "../../../sandbox/authentik";
import { otherSelector } from "../../../sandbox/authentik/adminUi";
import type { RawOperation } from "../../../sandbox/authentik/outpostConfig";
import { clients } from "../../../sandbox/clients";
import { sharedCluster } from "../cluster/fixture";

const podSpec = "/spec/template/spec";
const volumes = [{ name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "256Mi" } }];
const volumeMounts = [{ name: "dshm", mountPath: "/dev/shm" }];
const sidecar = {
  name: "shm-cleanup",
  image: "docker.io/library/busybox:1.37",
  command: ["sleep", "1d"],
  volumeMounts,
};
/** Fields that the API server adds to such a container, but for its `terminationMessagePath`. */
const someDefaults = { imagePullPolicy: "IfNotPresent", resources: {}, terminationMessagePolicy: "File" };
/** A native sidecar by the whole list, with all but one of the server's defaults spelled out. */
const halfSpelledOut = [
  { op: "add", path: `${podSpec}/volumes`, value: volumes },
  { op: "add", path: `${podSpec}/containers/0/volumeMounts`, value: volumeMounts },
  { op: "add", path: `${podSpec}/initContainers`, value: [{ ...sidecar, ...someDefaults, restartPolicy: "Always" }] },
];
const writes = (some: Partial<Writes>): Writes => ({ created: 0, patched: 0, recreated: 0, ...some });

describe("authentik's reconciler", () => {
  const running: AuthentikStandIn[] = [];
  let made = 0;

  afterEach(async () => {
    for (const authentik of running.splice(0)) await authentik.stop();
  });

  async function openLab(config: Partial<OutpostConfig> = {}) {
    const { kubeconfig } = await sharedCluster();
    const { apps, strategicMerge } = await clients(kubeconfig);
    const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
    const namespace = `authentik-${++made}`;
    const target = { namespace, name: "ak-outpost-main" };
    const authentik = await startAuthentik({ kubeconfig, namespace });
    running.push(authentik);
    await authentik.addOutpost({ name: "main", config });
    const total = () => Object.values(authentik.writes).reduce<number>((sum, count) => sum + (count as number), 0);
    /** Counts the writes to the Deployment meanwhile. */
    const written = async (act: () => Promise<void>) => {
      const before = total();
      await act();
      return total() - before;
    };
    const edit = (changes: Partial<OutpostConfig>) => authentik.edit("main", (config) => ({ ...config, ...changes }));
    return {
      authentik,
      edit,
      /** Saves the outpost's JSON patch. Returns the writes of the save, and of each of three reconciles after it. */
      deploy: async (deployment: object[] | null): Promise<[atOnce: number, ...atRest: number[]]> => {
        const patches = deployment && { deployment: deployment as RawOperation[] };
        const counts: [number, ...number[]] = [await written(() => edit({ kubernetes_json_patches: patches }))];
        for (let i = 0; i < 3; i++) counts.push(await written(() => authentik.reconcile()));
        return counts;
      },
      read: () => apps.readNamespacedDeployment(target),
      /** Sends a patch as someone else. */
      patch: async (body: object) => {
        await apps.patchNamespacedDeployment({ ...target, fieldManager: "somebody", body }, strategicMerge);
      },
      apply: async (body: object) => {
        const apply = setHeaderOptions("Content-Type", PatchStrategy.ServerSideApply);
        await apps.patchNamespacedDeployment({ ...target, fieldManager: "somebody", force: true, body }, apply);
      },
    };
  }

  const namesIn = ({ spec }: V1Deployment) => {
    const { containers, initContainers = [], volumes = [] } = spec!.template.spec!;
    return [containers, initContainers, volumes].map((list) => list.map(({ name }) => name));
  };
  const withSidecar = [["proxy"], ["shm-cleanup"], ["dshm"]];

  it("creates what is missing as goauthentik.io, and writes nothing more", async () => {
    const { authentik, read } = await openLab({ kubernetes_replicas: 2 });
    await authentik.reconcile();
    const { metadata, spec } = await read();
    assert.deepEqual(authentik.writes, writes({ created: 1 }));
    assert.equal(authentik.outpost("main").lastError, undefined);
    assert.equal(spec?.replicas, 2);
    const managers = metadata?.managedFields?.map(({ manager, operation }) => `${manager} ${operation}`);
    assert.ok(managers?.includes("goauthentik.io Update"), String(managers));
  });

  // doctor.test.ts has a container added by containers/-, which is written at every reconcile too; walk.test.ts a whole list that is at rest.
  it("writes at every reconcile where one of the server's defaults is left out, and leaves all of it on the live Deployment once it is taken away, also at an update", async () => {
    const { deploy, edit, read } = await openLab();
    assert.deepEqual(await deploy(halfSpelledOut), [1, 1, 1, 1]);
    const before = await read();
    assert.deepEqual(namesIn(before), withSidecar);
    assert.deepEqual(await deploy(null), [0, 0, 0, 0]);
    assert.deepEqual((await read()).spec, before.spec);
    await edit({ kubernetes_replicas: 2 });
    before.spec!.replicas = 2;
    assert.deepEqual((await read()).spec, before.spec);
  });

  it("keeps the reason and writes nothing where the patch can't be applied", async () => {
    const { deploy, authentik, read } = await openLab();
    const value = volumes[0];
    assert.deepEqual(await deploy([{ op: "add", path: `${podSpec}/volumes/-`, value }]), [0, 0, 0, 0]);
    assert.match(authentik.outpost("main").lastError!, /\/spec\/template\/spec\/volumes/);
    assert.deepEqual(namesIn(await read()), [["proxy"], [], []]);
    await deploy(null);
    assert.equal(authentik.outpost("main").lastError, undefined);
  });

  it("is left without a Deployment by a patch that the API server finds invalid", async () => {
    const { deploy, authentik, read } = await openLab();
    await deploy([{ op: "add", path: `${podSpec}/initContainers`, value: [{ name: "imageless" }] }]);
    assert.match(
      authentik.outpost("main").lastError!,
      /422.*is invalid: spec\.template\.spec\.initContainers\[0\]\.image: Required value/s,
    );
    await assert.rejects(read(), { code: 404 });
    assert.deepEqual(authentik.writes, writes({ created: 1, recreated: 1 }));
    await deploy(null);
    assert.deepEqual(authentik.writes, writes({ created: 2, recreated: 1 }));
  });

  it("writes nothing beside a server-side apply, and its own updates leave what was applied", async () => {
    const { authentik, apply, edit, read } = await openLab();
    const containers = [{ name: "proxy", volumeMounts }];
    const initContainers = [{ ...sidecar, restartPolicy: "Always" }];
    const metadata = { name: "ak-outpost-main" };
    const spec = { template: { spec: { volumes, containers, initContainers } } };
    await apply({ apiVersion: "apps/v1", kind: "Deployment", metadata, spec });
    for (let i = 0; i < 3; i++) await authentik.reconcile();
    assert.deepEqual(authentik.writes, writes({ created: 1 }));
    await edit({ container_image: "ghcr.io/goauthentik/proxy:2026.5.1" });
    assert.deepEqual(authentik.writes, writes({ created: 1, patched: 1 }));
    assert.deepEqual(namesIn(await read()), withSidecar);
  });

  it("recreates it for other ports of the first container", async () => {
    const { authentik, patch, read } = await openLab();
    const uid = (await read()).metadata?.uid;
    const ports = [{ name: "extra", containerPort: 9999, protocol: "TCP" }];
    await patch({ spec: { template: { spec: { containers: [{ name: "proxy", ports }] } } } });
    for (let i = 0; i < 2; i++) await authentik.reconcile();
    assert.deepEqual(authentik.writes, writes({ created: 1, recreated: 1 }));
    assert.notEqual((await read()).metadata?.uid, uid);
  });

  it("recreates it at every reconcile where a patch puts another container first", async () => {
    const { deploy, authentik } = await openLab();
    const first = [{ op: "add", path: `${podSpec}/containers/0`, value: { name: "first", image: "busybox" } }];
    assert.deepEqual(await deploy(first), [1, 1, 1, 1]);
    assert.deepEqual(authentik.writes, writes({ created: 1, recreated: 4 }));
  });

  it("recreates it where the API server finds the update invalid, and is content then", async () => {
    const { deploy, authentik, read } = await openLab();
    assert.deepEqual(await deploy(otherSelector("extra")), [1, 0, 0, 0]);
    assert.deepEqual(authentik.writes, writes({ created: 1, recreated: 1 }));
    assert.equal((await read()).spec?.selector.matchLabels?.extra, "yes");
  });

  it("takes replicas, image and its labels back, and no other field", async () => {
    const { authentik, patch, read } = await openLab();
    await patch({ spec: { replicas: 3 } });
    await authentik.reconcile();
    const scaled = (await read()).spec?.replicas;
    await patch({ metadata: { labels: { "app.kubernetes.io/name": "other" } } });
    await authentik.reconcile();
    const named = (await read()).metadata?.labels?.["app.kubernetes.io/name"];
    await patch({ spec: { minReadySeconds: 3 } });
    await authentik.reconcile();
    assert.deepEqual([scaled, named, (await read()).spec?.minReadySeconds], [1, "authentik-proxy", 3]);
    assert.deepEqual(authentik.writes, writes({ created: 1, patched: 2 }));
  });

  it("writes at every reconcile for a label it doesn't know: its merge can't remove one", async () => {
    const { authentik, patch } = await openLab();
    await patch({ metadata: { labels: { team: "identity" } } });
    for (let i = 0; i < 3; i++) await authentik.reconcile();
    assert.deepEqual(authentik.writes, writes({ created: 1, patched: 3 }));
  });
});
