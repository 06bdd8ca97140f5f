// The stand-in's reconciler on a real API server, compared with measurements of authentik's own.
import assert from "node:assert/strict";
import type { V1Deployment, V1PodSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { startAuthentik, type AuthentikStandIn, type NewOutpost, type Writes } from "../../../sandbox/authentik";
import { createOutpost } from "../../../sandbox/outpost";
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
/** Fields that the API server adds to such a container. */
const serverDefaults = {
  imagePullPolicy: "IfNotPresent",
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
};
const shared = [
  { op: "add", path: `${podSpec}/volumes`, value: volumes },
  { op: "add", path: `${podSpec}/containers/0/volumeMounts`, value: volumeMounts },
];
/** A patch as operators paste it. */
const classic = [...shared, { op: "add", path: `${podSpec}/containers/-`, value: sidecar }];
/** The whole array, with the server's defaults spelled out. */
const native = [
  ...shared,
  {
    op: "add",
    path: `${podSpec}/initContainers`,
    value: [{ ...sidecar, ...serverDefaults, restartPolicy: "Always" }],
  },
];
/** Changes the selector, which is immutable, so that an update is answered 422. */
const otherSelector = [
  { op: "add", path: "/spec/selector/matchLabels/extra", value: "yes" },
  { op: "add", path: "/spec/template/metadata/labels/extra", value: "yes" },
];

const writes = (some: Partial<Writes>): Writes => ({ created: 0, patched: 0, recreated: 0, ...some });

interface Lab {
  namespace: string;
  authentik: AuthentikStandIn;
  /** Saves the outpost's JSON patch. Returns the writes since the last call: those of the save, then of three more reconciles. */
  deploy: (operations: object[] | null) => Promise<{ atOnce: number; atRest: number[] }>;
  read: () => Promise<V1Deployment>;
  /** Sends a patch as someone else. */
  patch: (how: "StrategicMergePatch" | "ServerSideApply", body: object) => Promise<void>;
}

describe("authentik's reconciler", () => {
  const running: AuthentikStandIn[] = [];
  let made = 0;

  afterEach(async () => {
    for (const authentik of running.splice(0)) await authentik.stop();
  });

  async function openLab(outpost: NewOutpost = {}): Promise<Lab> {
    const { kubeconfig } = await sharedCluster();
    const { AppsV1Api, KubeConfig, PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(kubeconfig);
    const apps = kubeConfig.makeApiClient(AppsV1Api);
    const namespace = `authentik-${++made}`;
    const target = { namespace, name: "ak-outpost-main" };
    const authentik = await startAuthentik({ kubeconfig, namespace });
    running.push(authentik);
    await authentik.addOutpost({ name: "main", ...outpost });
    const total = () => Object.values(authentik.writes).reduce<number>((sum, count) => sum + (count as number), 0);
    return {
      namespace,
      authentik,
      async deploy(deployment) {
        const counts = [total()];
        await authentik.edit("main", (config) => {
          return { ...config, kubernetes_json_patches: deployment && ({ deployment } as never) };
        });
        counts.push(total());
        for (let i = 0; i < 3; i++) {
          await authentik.reconcile();
          counts.push(total());
        }
        const [atOnce = 0, ...atRest] = counts.slice(1).map((count, index) => count - (counts[index] ?? 0));
        return { atOnce, atRest };
      },
      read: () => apps.readNamespacedDeployment(target),
      async patch(how, body) {
        const force = how === "ServerSideApply" ? { force: true } : {};
        const contentType = setHeaderOptions("Content-Type", PatchStrategy[how]);
        await apps.patchNamespacedDeployment({ ...target, fieldManager: "somebody", ...force, body }, contentType);
      },
    };
  }

  const podSpecOf = ({ spec }: V1Deployment): V1PodSpec => spec!.template.spec!;
  const namesOf = ({ containers, initContainers = [], volumes = [] }: V1PodSpec) => ({
    containers: containers.map(({ name }) => name),
    initContainers: initContainers.map(({ name }) => name),
    volumes: volumes.map(({ name }) => name),
  });

  describe("at rest", () => {
    it("creates what is missing as goauthentik.io, and writes nothing more", async () => {
      const { authentik, read } = await openLab({ config: { kubernetes_replicas: 2 } });
      await authentik.reconcile();

      const { metadata, spec } = await read();

      assert.deepEqual(authentik.outpost("main").writes, writes({ created: 1 }));
      assert.deepEqual([authentik.outpost("main").reads, authentik.outpost("main").lastError], [2, undefined]);
      assert.equal(spec?.replicas, 2);
      const managers = metadata?.managedFields?.map(({ manager, operation }) => `${manager} ${operation}`);
      assert.ok(managers?.includes("goauthentik.io Update"), String(managers));
    });

    it("fills in what a config doesn't have", async () => {
      const { authentik, read } = await openLab();
      await authentik.edit("main", () => ({ kubernetes_replicas: 2 }) as never);

      assert.equal(authentik.outpost("main").lastError, undefined);
      assert.equal((await read()).spec?.replicas, 2);
    });

    it("takes over an outpost that is there, without a write", async () => {
      const { kubeconfig } = await sharedCluster();
      await createOutpost(kubeconfig, { namespace: "authentik-there", name: "Main Office" });
      const authentik = await startAuthentik({ kubeconfig, namespace: "authentik-there" });
      running.push(authentik);

      await authentik.addOutpost({ name: "Main Office" });

      assert.deepEqual(authentik.outpost("Main Office").writes, writes({}));
      assert.equal(authentik.outpost("Main Office").lastError, undefined);
    });

    for (const [what, outpost] of Object.entries<NewOutpost>({
      "the embedded outpost": { embedded: true, name: "main" },
      "an outpost without an integration": { serviceConnection: null },
      "an outpost on Docker": { serviceConnection: "docker" },
      "an outpost whose Deployment is disabled": { config: { kubernetes_disabled_components: ["deployment"] } },
    })) {
      it(`deploys nothing for ${what}`, async () => {
        const { authentik, read } = await openLab(outpost);
        await authentik.reconcile("main");

        assert.deepEqual(authentik.writes, writes({}));
        assert.equal(authentik.outpost("main").lastError, undefined);
        await assert.rejects(read(), { code: 404 });
      });
    }
  });

  describe("with a JSON patch", () => {
    it("writes at every reconcile where a container is added by containers/-", async () => {
      const { deploy, read, authentik } = await openLab();

      assert.deepEqual(await deploy(classic), { atOnce: 1, atRest: [1, 1, 1] });

      assert.deepEqual(authentik.writes, writes({ created: 1, patched: 4 }));
      const names = { containers: ["proxy", "shm-cleanup"], initContainers: [], volumes: ["dshm"] };
      assert.deepEqual(namesOf(podSpecOf(await read())), names);
    });

    it("writes once where a native sidecar comes by the whole initContainers with the server's defaults", async () => {
      const { deploy, read } = await openLab();

      assert.deepEqual(await deploy(native), { atOnce: 1, atRest: [0, 0, 0] });

      const names = { containers: ["proxy"], initContainers: ["shm-cleanup"], volumes: ["dshm"] };
      assert.deepEqual(namesOf(podSpecOf(await read())), names);
    });

    it("writes at every reconcile where one of the server's defaults is left out", async () => {
      const { deploy } = await openLab();
      const value = [{ ...sidecar, ...serverDefaults, terminationMessagePath: undefined, restartPolicy: "Always" }];

      const operations = [...shared, { op: "add", path: `${podSpec}/initContainers`, value }];

      assert.deepEqual(await deploy(operations), { atOnce: 1, atRest: [1, 1, 1] });
    });

    for (const [what, operations] of Object.entries({ classic, native })) {
      it(`leaves sidecar and volume of a ${what} patch on the live Deployment once it is taken away`, async () => {
        const { deploy, read } = await openLab();
        await deploy(operations);
        const before = await read();

        assert.deepEqual(await deploy(null), { atOnce: 0, atRest: [0, 0, 0] });

        assert.deepEqual((await read()).spec, before.spec);
      });
    }

    it("leaves them even at an update of its own", async () => {
      const { deploy, authentik, read } = await openLab();
      await deploy(native);
      await deploy(null);
      await authentik.edit("main", (config) => ({ ...config, kubernetes_replicas: 2 }));

      const { spec } = await read();

      assert.equal(spec?.replicas, 2);
      assert.deepEqual(spec?.template.spec?.volumes?.[0]?.name, "dshm");
    });

    it("keeps the reason and writes nothing where the patch can't be applied", async () => {
      const { deploy, authentik, read } = await openLab();
      const value = volumes[0];

      assert.deepEqual(await deploy([{ op: "add", path: `${podSpec}/volumes/-`, value }]), {
        atOnce: 0,
        atRest: [0, 0, 0],
      });

      assert.equal(authentik.outpost("main").lastError, "member 'volumes' not found");
      assert.deepEqual(podSpecOf(await read()).volumes, undefined);
      await deploy(null);
      assert.equal(authentik.outpost("main").lastError, undefined);
    });

    it("is left without a Deployment by a patch that the API server finds invalid", async () => {
      const { deploy, authentik, read } = await openLab();

      await deploy([{ op: "add", path: `${podSpec}/initContainers`, value: [{ name: "imageless" }] }]);

      assert.equal(
        authentik.outpost("main").lastError,
        '(422) Deployment.apps "ak-outpost-main" is invalid: spec.template.spec.initContainers[0].image: Required value',
      );
      await assert.rejects(read(), { code: 404 });
      assert.deepEqual(authentik.writes, writes({ created: 1, recreated: 1 }));
      await deploy(null);
      assert.deepEqual(authentik.writes, writes({ created: 2, recreated: 1 }));
    });

    it("reconciles after a change by the API, without the answer waiting for it", async () => {
      const { authentik, read } = await openLab();
      const { pk, config } = authentik.outpost("main");
      const body = JSON.stringify({ config: { ...config, kubernetes_json_patches: { deployment: native } } });
      const headers = { authorization: `Bearer ${authentik.token}`, "content-type": "application/json" };

      const url = `${authentik.url}api/v3/outposts/instances/${pk}/`;
      const { status } = await fetch(url, { method: "PATCH", headers, body });
      await authentik.settled();

      assert.equal(status, 200);
      assert.deepEqual(authentik.writes, writes({ created: 1, patched: 1 }));
      assert.equal(podSpecOf(await read()).initContainers?.[0]?.name, "shm-cleanup");
    });
  });

  describe("beside a server-side apply", () => {
    const applied = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "ak-outpost-main" },
      spec: {
        template: {
          spec: {
            volumes,
            containers: [{ name: "proxy", volumeMounts }],
            initContainers: [{ ...sidecar, restartPolicy: "Always" }],
          },
        },
      },
    };
    const names = { containers: ["proxy"], initContainers: ["shm-cleanup"], volumes: ["dshm"] };

    it("writes nothing, and its own updates leave what was applied", async () => {
      const { authentik, patch, read } = await openLab();
      await patch("ServerSideApply", applied);
      for (let i = 0; i < 3; i++) await authentik.reconcile();
      assert.deepEqual(authentik.writes, writes({ created: 1 }));

      await authentik.edit("main", (config) => ({ ...config, container_image: "ghcr.io/goauthentik/proxy:2026.5.1" }));

      assert.deepEqual(authentik.writes, writes({ created: 1, patched: 1 }));
      assert.deepEqual(namesOf(podSpecOf(await read())), names);
    });

    it("loses it where the Deployment is recreated", async () => {
      const { authentik, patch, read, deploy } = await openLab();
      await patch("ServerSideApply", applied);

      await deploy(otherSelector);

      assert.deepEqual(authentik.writes, writes({ created: 1, recreated: 1 }));
      assert.deepEqual(namesOf(podSpecOf(await read())), { containers: ["proxy"], initContainers: [], volumes: [] });
    });
  });

  describe("where the live Deployment differs", () => {
    it("recreates it for other ports of the first container", async () => {
      const { authentik, patch, read } = await openLab();
      const uid = (await read()).metadata?.uid;
      const ports = [{ name: "extra", containerPort: 9999, protocol: "TCP" }];
      await patch("StrategicMergePatch", { spec: { template: { spec: { containers: [{ name: "proxy", ports }] } } } });

      await authentik.reconcile();

      assert.deepEqual(authentik.writes, writes({ created: 1, recreated: 1 }));
      assert.notEqual((await read()).metadata?.uid, uid);
      await authentik.reconcile();
      assert.deepEqual(authentik.writes, writes({ created: 1, recreated: 1 }));
    });

    it("recreates it at every reconcile where a patch puts another container first", async () => {
      const { deploy, authentik } = await openLab();
      const first = [{ op: "add", path: `${podSpec}/containers/0`, value: { name: "first", image: "busybox" } }];

      assert.deepEqual(await deploy(first), { atOnce: 1, atRest: [1, 1, 1] });

      assert.deepEqual(authentik.writes, writes({ created: 1, recreated: 4 }));
    });

    it("recreates it where the API server finds the update invalid, and is content then", async () => {
      const { deploy, authentik, read } = await openLab();

      assert.deepEqual(await deploy(otherSelector), { atOnce: 1, atRest: [0, 0, 0] });

      assert.deepEqual(authentik.writes, writes({ created: 1, recreated: 1 }));
      assert.equal((await read()).spec?.selector.matchLabels?.extra, "yes");
    });

    it("keeps a patch that it recreates with", async () => {
      const { deploy, authentik, read } = await openLab();
      await deploy([...native, ...otherSelector]);

      assert.deepEqual(authentik.writes, writes({ created: 1, recreated: 1 }));
      assert.equal(podSpecOf(await read()).initContainers?.[0]?.name, "shm-cleanup");
    });

    it("takes replicas, image and its labels back, and no other field", async () => {
      const { authentik, patch, read } = await openLab();
      await patch("StrategicMergePatch", { spec: { replicas: 3 } });
      await authentik.reconcile();
      const scaled = (await read()).spec?.replicas;
      await patch("StrategicMergePatch", { metadata: { labels: { "app.kubernetes.io/name": "other" } } });
      await authentik.reconcile();
      const named = (await read()).metadata?.labels?.["app.kubernetes.io/name"];
      await patch("StrategicMergePatch", { spec: { minReadySeconds: 3 } });
      await authentik.reconcile();

      assert.deepEqual([scaled, named, (await read()).spec?.minReadySeconds], [1, "authentik-proxy", 3]);
      assert.deepEqual(authentik.writes, writes({ created: 1, patched: 2 }));
    });

    it("writes at every reconcile for a label it doesn't know: its merge can't remove one", async () => {
      const { authentik, patch } = await openLab();
      await patch("StrategicMergePatch", { metadata: { labels: { team: "identity" } } });
      for (let i = 0; i < 3; i++) await authentik.reconcile();
      assert.deepEqual(authentik.writes, writes({ created: 1, patched: 3 }));
    });
  });
});
