// Whole objects through the Kubernetes stand-in: what a program creates, changes and deletes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { changes, failure, managers, openHarness, values, type Harness } from "./harness";

describe("Kubernetes stand-in: objects", () => {
  let harness: Harness;
  before(async () => (harness = await openHarness()));
  after(() => harness?.close());

  const configMap = (name: string) => harness.core.readNamespacedConfigMap({ name, namespace: harness.namespace });
  const isMissing = (promise: Promise<unknown>) => assert.rejects(promise, { code: 404 });

  function mapProgram(name: string, data: () => Record<string, string>) {
    return () => {
      const map = new k8s.core.v1.ConfigMap("map", { metadata: { name, namespace: harness.namespace }, data: data() });
      return { uid: map.metadata.uid, id: map.id };
    };
  }

  it("previews without writing, creates, finds nothing to do, and destroys", async () => {
    const stack = await harness.stack(mapProgram("whole-life", () => ({ key: "value" })));
    assert.deepEqual(changes(await stack.preview()), ["create map"]);
    await isMissing(configMap("whole-life"));

    const { outputs, changeSummary } = await stack.up();
    const created = await configMap("whole-life");
    assert.deepEqual(created.data, { key: "value" });
    assert.deepEqual(created.metadata?.labels, undefined);
    assert.deepEqual(created.metadata?.annotations, undefined);
    assert.match(managers(created).join(), /^pulumi-kubernetes-[0-9a-f]{8} Apply$/);
    assert.deepEqual(values(outputs), { uid: created.metadata?.uid, id: `${harness.namespace}/whole-life` });
    assert.deepEqual(changeSummary, { create: 2 });

    assert.deepEqual((await stack.up()).changeSummary, { same: 2 });
    assert.deepEqual((await stack.refresh()).changeSummary, { same: 2 });
    assert.equal((await configMap("whole-life")).metadata?.resourceVersion, created.metadata?.resourceVersion);

    assert.deepEqual((await stack.destroy()).changeSummary, { delete: 2 });
    await isMissing(configMap("whole-life"));
  });

  it("lets the API server judge a preview", async () => {
    const stack = await harness.stack(() => {
      const metadata = { name: "Not_A_Name", namespace: harness.namespace };
      new k8s.core.v1.ConfigMap("map", { metadata, data: {} });
    });
    assert.match(
      await failure(stack.preview()),
      /^preview of stack test\d+ failed:\nPreview failed: resource "urn:pulumi:test\d+::authentik-outpost-shm::kubernetes:core\/v1:ConfigMap::map" was not successfully created by the Kubernetes API server: ConfigMap "Not_A_Name" is invalid: metadata\.name: Invalid value: "Not_A_Name"/,
    );
  });

  it("makes a ConfigMap anew for new data, unless the provider is told that they may change", async () => {
    let data = { key: "old" };
    const mutable = (enableConfigMapMutable: boolean) => ({
      "kubernetes:enableConfigMapMutable": enableConfigMapMutable,
    });
    const stack = await harness.stack(
      mapProgram("mutable", () => data),
      mutable(false),
    );
    const before = values((await stack.up()).outputs).uid;
    data = { key: "new" };
    assert.deepEqual(changes(await stack.preview()), [
      "delete-replaced map",
      "replace map: data.key",
      "create-replacement map: data.key",
    ]);
    const replaced = values((await stack.up()).outputs).uid;
    assert.notEqual(replaced, before);

    await stack.setConfig({ namespace: "authentik", outposts: ["public"], ...mutable(true) });
    data = { key: "newest" };
    assert.deepEqual(changes(await stack.preview()), ["update map: data.key"]);
    assert.deepEqual((await configMap("mutable")).data, { key: "new" });
    assert.equal(values((await stack.up()).outputs).uid, replaced);
    assert.deepEqual((await configMap("mutable")).data, { key: "newest" });
    await stack.destroy();
  });

  it("replaces on a new name and removes the old object", async () => {
    let name = "before-rename";
    const stack = await harness.stack(() => mapProgram(name, () => ({}))());
    await stack.up();
    name = "after-rename";
    assert.deepEqual(changes(await stack.up()), [
      "create-replacement map: metadata.name",
      "replace map: metadata.name",
      "delete-replaced map",
    ]);
    await isMissing(configMap("before-rename"));
    await configMap("after-rename");
    await stack.destroy();
  });

  it("names what has no name, and keeps the name", async () => {
    const stack = await harness.stack(() => {
      const map = new k8s.core.v1.ConfigMap("generated", {
        metadata: { namespace: harness.namespace },
        data: { a: "b" },
      });
      return { name: map.metadata.name };
    });
    const { outputs } = await stack.up();
    assert.match(String(values(outputs).name), /^generated-[0-9a-f]{8}$/);
    assert.deepEqual((await stack.up()).changeSummary, { same: 2 });
    assert.deepEqual((await configMap(String(values(outputs).name))).metadata?.annotations, {
      "pulumi.com/autonamed": "true",
    });
    await stack.destroy();
  });

  it("notices an edit by hand on refresh, and mends it", async () => {
    const stack = await harness.stack(deploymentProgram);
    await stack.up();
    const edit = (fieldManager: string, path: string, value: unknown) =>
      harness.apps.patchNamespacedDeployment({
        name: "drifting",
        namespace: harness.namespace,
        fieldManager,
        body: [{ op: "add", path, value }],
      });
    await edit("kubectl-edit", "/spec/template/spec/containers/0/image", "docker.io/library/busybox:edited");
    await edit("somebody-else", "/metadata/labels", { "somebody.else": "label" });
    assert.deepEqual((await stack.up()).changeSummary, { same: 2 });
    // As with the provider: a preview never takes a field from others, the update takes those of kubectl.
    assert.match(
      await failure(stack.preview({ refresh: true })),
      /conflict with "kubectl-edit" using apps\/v1: \.spec\.template\.spec\.containers\[name="app"\]\.image$/,
    );
    assert.deepEqual(changes(await stack.up({ refresh: true })).slice(-1), [
      "update drifting: spec.template.spec.containers[0].image",
    ]);
    const mended = await harness.apps.readNamespacedDeployment({ name: "drifting", namespace: harness.namespace });
    assert.equal(mended.spec?.template.spec?.containers[0].image, "docker.io/library/busybox:1.37");
    assert.deepEqual(mended.metadata?.labels, { "somebody.else": "label" });
    await stack.destroy();
  });

  function deploymentProgram() {
    const labels = { app: "drifting" };
    new k8s.apps.v1.Deployment("drifting", {
      metadata: { name: "drifting", namespace: harness.namespace, annotations: {} },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            containers: [
              {
                name: "app",
                image: "docker.io/library/busybox:1.37",
                // Normal forms are 1Gi and 500m: no difference.
                resources: { limits: { memory: "1024Mi", cpu: "0.5" } },
              },
            ],
          },
        },
      },
    });
  }

  it("forgets what was deleted by hand on refresh, and makes it again", async () => {
    const stack = await harness.stack(mapProgram("vanishing", () => ({})));
    await stack.up();
    await harness.core.deleteNamespacedConfigMap({ name: "vanishing", namespace: harness.namespace });
    assert.deepEqual((await stack.refresh()).changeSummary, { delete: 1, same: 1 });
    assert.deepEqual(changes(await stack.up()), ["create map"]);
    await harness.core.deleteNamespacedConfigMap({ name: "vanishing", namespace: harness.namespace });
    await stack.destroy();
  });

  it("previews objects of a namespace that is not there yet", async () => {
    const name = `${harness.namespace}-later`;
    const stack = await harness.stack(() => {
      const namespace = new k8s.core.v1.Namespace("namespace", { metadata: { name } });
      new k8s.core.v1.ConfigMap("map", { metadata: { name: "map", namespace: name } }, { dependsOn: namespace });
    });
    assert.deepEqual(changes(await stack.preview()), ["create namespace", "create map"]);
  });

  it("reads an object that somebody else made", async () => {
    const stack = await harness.stack(() => {
      const root = k8s.core.v1.ConfigMap.get("root", `${harness.namespace}/kube-root-ca.crt`);
      return { certificates: root.data.apply((data) => Object.keys(data)) };
    });
    assert.deepEqual(values((await stack.up()).outputs), { certificates: ["ca.crt"] });
    await stack.destroy();
    await configMap("kube-root-ca.crt");
  });

  it("keeps secrets out of the state's plain text", async () => {
    const secretValues = ["in-a-secret", "in-string-data", "in-a-config-map"] as const;
    const stack = await harness.stack(() => {
      const { namespace } = harness;
      new k8s.core.v1.Secret("secret", {
        metadata: { name: "secret", namespace },
        data: { plain: Buffer.from(secretValues[0]).toString("base64") },
        stringData: { text: secretValues[1] },
      });
      new k8s.core.v1.ConfigMap("map", {
        metadata: { name: "with-secret", namespace },
        data: { open: "to-all", closed: pulumi.secret(secretValues[2]) },
      });
    });
    await stack.up();
    await stack.refresh();
    assert.deepEqual((await stack.up()).changeSummary, { same: 3 });
    const live = await harness.core.readNamespacedSecret({ name: "secret", namespace: harness.namespace });
    assert.deepEqual(live.data, {
      plain: Buffer.from(secretValues[0]).toString("base64"),
      text: Buffer.from(secretValues[1]).toString("base64"),
    });
    const state = readFileSync(
      join(harness.stateDir, "backend/.pulumi/stacks/authentik-outpost-shm", `${stack.name}.json`),
      "utf8",
    );
    assert.ok(state.includes("to-all"));
    for (const value of secretValues) {
      assert.ok(!state.includes(value), value);
      assert.ok(!state.includes(Buffer.from(value).toString("base64")), `${value} in base64`);
    }
    await stack.destroy();
  });

  it("says so when the kubeconfig has no such context, and when a kind is unknown", async () => {
    const stack = await harness.stack(
      mapProgram("nowhere", () => ({})),
      { "kubernetes:context": "production" },
    );
    assert.match(
      await failure(stack.up()),
      /\nconfigured Kubernetes cluster is unreachable: unable to load Kubernetes client configuration from kubeconfig file: context "production" does not exist$/,
    );
    const custom = await harness.stack(() => {
      const metadata = { name: "alerts", namespace: harness.namespace };
      const type = { apiVersion: "monitoring.coreos.com/v1", kind: "PrometheusRule" };
      new k8s.apiextensions.CustomResource("rule", { ...type, metadata, spec: {} });
    });
    assert.deepEqual(changes(await custom.preview()), ["create rule"]);
    assert.match(
      await failure(custom.up()),
      /with kind monitoring\.coreos\.com\/v1\/PrometheusRule failed because the Kubernetes API server reported that the apiVersion for this resource does not exist\. Verify that any required CRDs have been created: no matches for kind "PrometheusRule" in version "monitoring\.coreos\.com\/v1"$/,
    );
  });
});
