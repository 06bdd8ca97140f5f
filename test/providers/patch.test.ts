// A DeploymentPatch through the Kubernetes stand-in, on a Deployment that authentik made: some fields of somebody else's object.
import assert from "node:assert/strict";
import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import * as k8s from "@pulumi/kubernetes";
import { AUTHENTIK_FIELD_MANAGER, createOutpost, outpostObjectName } from "../../sandbox/outpost";
import { changes, failure, managers, openHarness, type Harness } from "./harness";

describe("Kubernetes stand-in: patches", () => {
  let harness: Harness;
  before(async () => (harness = await openHarness()));
  after(() => harness?.close());

  /** As JSON, without the client's classes. */
  async function deploymentOf(outpost: string): Promise<V1Deployment> {
    const name = outpostObjectName({ name: outpost });
    const deployment = await harness.apps.readNamespacedDeployment({ name, namespace: harness.namespace });
    return JSON.parse(JSON.stringify(deployment)) as V1Deployment;
  }
  const outpost = (name: string) =>
    createOutpost(harness.kubeconfig, { namespace: harness.namespace, name, replicas: 0 });

  interface Wanted {
    size?: string;
    force?: boolean;
    manager?: string;
  }
  /** A volume and its mount in the outpost's container, as the sidecar solution has them. */
  function patchProgram(name: string, wanted: () => Wanted = () => ({})) {
    return () => {
      const { size = "256Mi", force, manager } = wanted();
      new k8s.apps.v1.DeploymentPatch("shm", {
        metadata: {
          name: outpostObjectName({ name }),
          namespace: harness.namespace,
          annotations: {
            ...(force && { "pulumi.com/patchForce": "true" }),
            ...(manager && { "pulumi.com/patchFieldManager": manager }),
          },
        },
        spec: {
          template: {
            spec: {
              volumes: [{ name: "dshm", emptyDir: { medium: "Memory", sizeLimit: size } }],
              containers: [{ name: "proxy", volumeMounts: [{ name: "dshm", mountPath: "/dev/shm" }] }],
            },
          },
        },
      });
    };
  }

  const jsonPatch = (name: string, fieldManager: string, body: object[]) =>
    harness.apps.patchNamespacedDeployment({
      name: outpostObjectName({ name }),
      namespace: harness.namespace,
      fieldManager,
      body,
    });

  it("adds its fields, changes them, and gives them back: what authentik made is as before", async () => {
    await outpost("whole");
    const before = await deploymentOf("whole");
    let size = "256Mi";
    const stack = await harness.stack(patchProgram("whole", () => ({ size })));
    assert.deepEqual(changes(await stack.preview()), ["create shm"]);
    assert.deepEqual((await deploymentOf("whole")).metadata?.generation, before.metadata?.generation);

    await stack.up();
    const patched = await deploymentOf("whole");
    const pod = patched.spec?.template.spec;
    assert.deepEqual(pod?.volumes, [{ name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "256Mi" } }]);
    assert.deepEqual(pod?.containers[0].volumeMounts, [{ name: "dshm", mountPath: "/dev/shm" }]);
    assert.deepEqual(patched.metadata?.labels, before.metadata?.labels);
    const byAuthentik = `${AUTHENTIK_FIELD_MANAGER} Update`;
    assert.match(
      managers(patched).sort().join(),
      new RegExp(`^${byAuthentik},(.*,)?pulumi-kubernetes-[0-9a-f]{8} Apply$`),
    );

    assert.deepEqual((await stack.up()).changeSummary, { same: 2 });
    assert.deepEqual((await stack.up({ refresh: true })).changeSummary, { same: 2 });

    size = "512Mi";
    const path = "spec.template.spec.volumes[0].emptyDir.sizeLimit";
    assert.deepEqual(changes(await stack.preview()), [`update shm: ${path}`]);
    assert.equal((await deploymentOf("whole")).metadata?.generation, patched.metadata?.generation);
    assert.deepEqual(changes(await stack.up()), [`update shm: ${path}`]);

    assert.deepEqual(changes(await stack.destroy()), ["delete shm"]);
    const after = await deploymentOf("whole");
    assert.deepEqual(after.spec, before.spec);
    assert.deepEqual(
      managers(after).filter((manager) => manager.includes("pulumi")),
      [],
    );
  });

  it("lets fields of others be, wherever they are in a list", async () => {
    await outpost("shared");
    const foreign = [
      { op: "add", path: "/spec/template/spec/volumes", value: [{ name: "theirs", emptyDir: {} }] },
      {
        op: "add",
        path: "/spec/template/spec/containers/0/volumeMounts",
        value: [{ name: "theirs", mountPath: "/theirs" }],
      },
      { op: "add", path: "/spec/template/spec/containers/-", value: { name: "mesh", image: "example.com/mesh:1" } },
    ];
    await jsonPatch("shared", "mesh-injector", foreign);
    const before = await deploymentOf("shared");
    const stack = await harness.stack(patchProgram("shared"));
    await stack.up();
    assert.deepEqual((await stack.up({ refresh: true })).changeSummary, { same: 2 });
    const pod = (await deploymentOf("shared")).spec?.template.spec;
    assert.deepEqual(pod?.volumes?.map(({ name }) => name).sort(), ["dshm", "theirs"]);
    assert.deepEqual(
      pod?.containers.map(({ name }) => name),
      ["proxy", "mesh"],
    );
    await stack.destroy();
    assert.deepEqual((await deploymentOf("shared")).spec, before.spec);
  });

  it("notices on refresh that its fields were removed, and puts them back", async () => {
    await outpost("stripped");
    const stack = await harness.stack(patchProgram("stripped"));
    await stack.up();
    await jsonPatch("stripped", "kubectl-edit", [
      { op: "remove", path: "/spec/template/spec/containers/0/volumeMounts" },
      { op: "remove", path: "/spec/template/spec/volumes" },
    ]);
    assert.deepEqual((await stack.up()).changeSummary, { same: 2 });
    const mended = ["spec.template.spec.containers[0].volumeMounts", "spec.template.spec.volumes"];
    assert.deepEqual(changes(await stack.up({ refresh: true })).slice(-1), [`update shm: ${mended.join(", ")}`]);
    const pod = (await deploymentOf("stripped")).spec?.template.spec;
    assert.deepEqual(pod?.containers[0].volumeMounts, [{ name: "dshm", mountPath: "/dev/shm" }]);
    await stack.destroy();
  });

  const pasted = [
    {
      op: "add",
      path: "/spec/template/spec/volumes",
      value: [{ name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "1Gi" } }],
    },
    {
      op: "add",
      path: "/spec/template/spec/containers/0/volumeMounts",
      value: [{ name: "dshm", mountPath: "/dev/shm" }],
    },
  ];
  const conflict = (manager: string) =>
    new RegExp(
      "server-side apply field conflict detected\\. See https://www\\.pulumi\\.com/\\S+ for troubleshooting help\\.\\n" +
        `The resource managed by field manager "${manager}" had an apply conflict: Apply failed with 1 conflict: ` +
        'conflict with "goauthentik\\.io" using apps/v1: \\.spec\\.template\\.spec\\.volumes\\[name="dshm"\\]\\.emptyDir\\.sizeLimit$',
    );

  it("is refused where authentik owns a field already, in the provider's words, and changes nothing", async () => {
    await outpost("pasted");
    await jsonPatch("pasted", AUTHENTIK_FIELD_MANAGER, pasted);
    const before = await deploymentOf("pasted");
    const stack = await harness.stack(patchProgram("pasted", () => ({ manager: "shm" })));
    const message = await failure(stack.up());
    assert.match(
      message,
      /\nresource "urn:pulumi:\S+DeploymentPatch::shm" was not successfully created by the Kubernetes API server: /,
    );
    assert.match(message, conflict("shm"));
    assert.deepEqual((await deploymentOf("pasted")).spec, before.spec);
  });

  it("takes a field over when told to", async () => {
    await outpost("forced");
    await jsonPatch("forced", AUTHENTIK_FIELD_MANAGER, pasted);
    const stack = await harness.stack(patchProgram("forced", () => ({ force: true })));
    await stack.up();
    const sizeLimit = (await deploymentOf("forced")).spec?.template.spec?.volumes?.[0].emptyDir?.sizeLimit;
    assert.equal(sizeLimit, "256Mi");
    await stack.destroy();
  });

  it("keeps what it has when an update meets a conflict, and tries again", async () => {
    await outpost("contested");
    let wanted: Wanted = { manager: "shm" };
    const stack = await harness.stack(patchProgram("contested", () => wanted));
    await stack.up();
    const sizeLimit = "/spec/template/spec/volumes/0/emptyDir/sizeLimit";
    await jsonPatch("contested", AUTHENTIK_FIELD_MANAGER, [{ op: "replace", path: sizeLimit, value: "1Gi" }]);
    wanted = { manager: "shm", size: "512Mi" };
    const name = `"${harness.namespace}/ak-outpost-contested"`;
    for (const attempt of [() => stack.preview(), () => stack.up(), () => stack.up()]) {
      const message = await failure(attempt());
      assert.ok(
        message.includes(`the Kubernetes API server reported that ${name} failed to fully initialize or become live: `),
      );
      assert.match(message, conflict("shm"));
    }
    await stack.destroy();
  });

  it("moves its fields to a new manager and drops the old one", async () => {
    await outpost("handed-on");
    let manager = "shm-old";
    // Without force the annotation that names the manager is a conflict itself.
    const stack = await harness.stack(patchProgram("handed-on", () => ({ manager, force: true })));
    await stack.up();
    manager = "shm-new";
    await stack.up();
    const appliers = managers(await deploymentOf("handed-on")).filter((entry) => entry.endsWith(" Apply"));
    assert.deepEqual(appliers, ["shm-new Apply"]);
    await stack.destroy();
  });

  it("fails with the API server's own words where there is no Deployment", async () => {
    const stack = await harness.stack(patchProgram("missing"));
    assert.match(
      await failure(stack.up()),
      /was not successfully created by the Kubernetes API server: Deployment\.apps "ak-outpost-missing" is invalid: \[?spec\.selector: Required value/,
    );
    await assert.rejects(deploymentOf("missing"), { code: 404 });
  });

  it("needs a name", async () => {
    const stack = await harness.stack(() => {
      new k8s.apps.v1.DeploymentPatch("nameless", { metadata: { namespace: harness.namespace } });
    });
    assert.match(await failure(stack.preview()), /patch resources require the resource `\.metadata\.name` to be set/);
  });
});
