// The dynamic provider by its own methods, as Pulumi's host has it after serialisation, with short waits. The tests show what
// happens if authentik or the cluster do not cooperate. What becomes of a change is in test/unit/components/outpostJsonPatch.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { outpostJsonPatchProvider } from "../../../components/outpostJsonPatch/provider";
import type { OutpostJsonPatchInputs, OutpostJsonPatchState } from "../../../components/outpostJsonPatch/state";
import { claimed } from "../../../components/outpostJsonPatch/handover";
import { outpostDeployment } from "../../../components/outpostJsonPatch/outpostDeployment";
import { rewriteOwners } from "../../../components/outpostJsonPatch/partInConfig";
import { defaultWaits, type Waits } from "../../../components/outpostJsonPatch/waits";
import { connection } from "../../../kubernetes/connection";
import { startAuthentik, type AuthentikStandIn } from "../../../sandbox/authentik";
import { clients } from "../../../sandbox/clients";
import { createOutpost, deleteOutpost, untilAvailable } from "../../../sandbox/outpost";
import { waitUntil } from "../../../sandbox/waitUntil";
import { ownPart } from "../../../podPatch/jsonPatch/jsonPatch";
import { podFragment } from "../../../podPatch/podFragment";
import { outpostSettings } from "../../unit/outposts";
import { sharedCluster } from "../cluster/fixture";

/** Error from which Pulumi's host concludes that a resource exists, but not as it should. */
type InitError = Error & { id?: string; properties?: OutpostJsonPatchState; reasons?: string[] };

type MakeProvider = typeof outpostJsonPatchProvider;

/** Passes the provider's code through the text that the state has of it, as the host loads it. Once, for it takes seconds. */
async function deserialised(): Promise<MakeProvider> {
  const { text } = await pulumi.runtime.serializeFunction(() => outpostJsonPatchProvider);
  const load = createRequire(__filename)("require-from-string") as (text: string) => { handler: () => MakeProvider };
  return load(text).handler();
}

interface OpenOptions {
  /** True if authentik reconciles what it is told. */
  deploys?: boolean;
  waits?: Partial<Waits>;
}

describe("the dynamic provider of OutpostJsonPatch", () => {
  let makeProvider: MakeProvider;
  const authentiks: AuthentikStandIn[] = [];
  before(async () => {
    makeProvider = await deserialised();
  });
  afterEach(async () => {
    for (const authentik of authentiks.splice(0)) await authentik.stop();
  });

  async function open(name: string, { deploys = true, waits = {} }: OpenOptions = {}) {
    const { kubeconfig } = await sharedCluster();
    const namespace = `provider-${name}`;
    const outpost = { namespace, name: "main" };
    const authentik = await startAuthentik({ namespace, ...(deploys && { kubeconfig }) });
    authentiks.push(authentik);
    if (!deploys) await createOutpost(kubeconfig, outpost);
    await authentik.addOutpost({ name: "main" });
    if (deploys) await untilAvailable(kubeconfig, outpost);
    const provider = makeProvider({ applyMs: 300, rolloutMs: 20_000, pauseMs: 50, ...waits });
    const all: Record<string, string> = {
      "kubernetes:kubeconfig": kubeconfig,
      "authentik-outpost-shm:authentikToken": authentik.token,
    };
    const get = (key: string) => all[key];
    await provider.configure?.({ config: { get, require: (key) => get(key) ?? assert.fail(key) } });
    const inputs: OutpostJsonPatchInputs = {
      authentikUrl: authentik.url.replace(/\/$/, ""),
      outpost: "main",
      namespace,
      deployment: "ak-outpost-main",
      fieldManager: "authentik-outpost-shm-test",
      operations: ownPart(podFragment(outpostSettings({ name: "main" }))),
    };
    return { provider, inputs, authentik, kubeconfig, outpost };
  }

  const failureOf = (attempt: Promise<unknown>): Promise<InitError> =>
    attempt.then(
      () => assert.fail("succeeded"),
      (error: InitError) => error,
    );

  it("is there, and says what it waits for and why it is not done, where authentik applies nothing", async () => {
    const { provider, inputs, authentik } = await open("asleep", { deploys: false });
    const said: unknown[] = [];
    const { log } = console;
    console.log = (line: unknown) => said.push(line);
    const error = await failureOf(provider.create(inputs)).finally(() => (console.log = log));
    const awaited =
      "authentik has not applied the outpost's patch to Deployment provider-asleep/ak-outpost-main: volume dshm is missing";
    assert.deepEqual(said, [`waiting: ${awaited}`]);
    const message = `${awaited}, after 0.3 s; look for this outpost in the log of authentik's worker, and whether one runs`;
    assert.equal(error.message, message);
    assert.deepEqual([error.id, error.reasons], [authentik.outpost("main").pk, [message]]);
    assert.deepEqual(error.properties, { ...inputs, formOfNone: "null" });
    assert.equal(authentik.outpost("main").config.kubernetes_json_patches?.deployment.length, 3);
    // The next update then waits for what this one has not seen, although nothing else changes.
    const state = error.properties;
    assert.deepEqual((await provider.read(error.id!, state)).props, state);
    assert.equal((await provider.diff(error.id!, state, inputs)).changes, true);
    assert.equal((await failureOf(provider.update(error.id!, state, inputs))).message, message);
  });

  /** A patch pasted from older guides. It has to leave the live Deployment when ours comes. */
  const pasted = [
    {
      op: "add",
      path: "/spec/template/spec/containers/-",
      value: { name: "shm-cleanup", image: "busybox:1.36", command: ["sleep", "1d"] },
    },
  ];
  const paste = (authentik: AuthentikStandIn) =>
    authentik.edit("main", (config) => ({ ...config, kubernetes_json_patches: { deployment: pasted } }));

  it("puts a pasted patch back where the API server changes its mind between dry run and patch", async () => {
    const { provider, inputs, authentik, kubeconfig } = await open("rollback", { waits: { applyMs: 20_000 } });
    await paste(authentik);
    const { config } = authentik.outpost("main");
    const refused = await refusePatches(kubeconfig, inputs.namespace);
    const { message, id } = await failureOf(provider.create(inputs));
    await refused.end();
    assert.match(message, /^Kubernetes refused to patch Deployment provider-rollback\/ak-outpost-main: .*not today/);
    assert.equal(id, undefined);
    assert.deepEqual(authentik.outpost("main").config, config);
  });

  it("is there where authentik fails after the pasted patch was taken out, and goes on from that", async () => {
    const { provider, inputs, authentik } = await open("halfway", { waits: { applyMs: 20_000 } });
    await paste(authentik);
    authentik.misbehave({ status: 403 }, { method: "PATCH", skip: 1 });
    const error = await failureOf(provider.create(inputs));
    assert.match(error.message, /^authentik lets the token's user not change outposts/);
    const { pk } = authentik.outpost("main");
    assert.equal(error.id, pk);
    authentik.behave();
    const { props } = await provider.read(pk, error.properties);
    assert.deepEqual(props?.operations, []);
    const { outs } = await provider.update(pk, props, inputs);
    assert.equal(outs?.rolledOut, true);
    await provider.delete(pk, outs);
    assert.equal(authentik.outpost("main").config.kubernetes_json_patches, null);
  });

  it("takes itself back whatever was done to it, and to the operations beside it", async () => {
    const { provider, inputs, authentik } = await open("edited", { waits: { applyMs: 20_000 } });
    const { id, outs } = await provider.create(inputs);
    const broken = { op: "remove", path: "/spec/template/spec/volumes/9" };
    await authentik.edit("main", (config) => {
      const [volumes, ...rest] = structuredClone(config.kubernetes_json_patches!.deployment);
      (volumes.value as { emptyDir: object }[])[0].emptyDir = {};
      return { ...config, kubernetes_json_patches: { deployment: [volumes, ...rest, broken] } };
    });
    assert.deepEqual((await provider.read(id, outs)).props?.operations, []);
    await provider.delete(id, outs!);
    assert.deepEqual(authentik.outpost("main").config.kubernetes_json_patches, { deployment: [broken] });
  });

  it("takes the sidecar's fields back after a move to another delivery that broke off", async () => {
    const { provider, inputs, kubeconfig, authentik } = await open("claimed", { waits: { applyMs: 20_000 } });
    const { id, outs } = await provider.create(inputs);
    const call = connection({ kubeconfig });
    const live = outpostDeployment(call, inputs.namespace, inputs.deployment);
    await rewriteOwners(live, defaultWaits, (managed) => claimed(managed, inputs.fieldManager));
    const { props } = await provider.read(id, outs);
    assert.equal("rolledOut" in props!, false); // the host can send no undefined value to the engine
    assert.equal((await provider.diff(id, props!, inputs)).changes, true);
    const { outs: updated } = await provider.update(id, props!, inputs);
    assert.equal((await provider.diff(id, (await provider.read(id, updated)).props!, inputs)).changes, false);
    await provider.delete(id, updated!);
    assert.equal((await live.read())?.spec?.template.spec?.initContainers, undefined);
    assert.equal(authentik.outpost("main").config.kubernetes_json_patches, null);
  });

  it("gives up where somebody brings the sidecar back as often as it is removed", async () => {
    const { provider, inputs, authentik, kubeconfig } = await open("stubborn", { waits: { applyMs: 20_000 } });
    const { id, outs } = await provider.create(inputs);
    const stubborn = await bringBack(kubeconfig, inputs);
    const { message } = await failureOf(provider.delete(id, outs!));
    await stubborn.end();
    assert.equal(
      message,
      "Deployment provider-stubborn/ak-outpost-main: somebody brings the sidecar back as often as it is removed",
    );
    assert.equal(authentik.outpost("main").config.kubernetes_json_patches, null);
  });

  it("refuses the Deployment of another outpost, and leaves it alone when it goes", async () => {
    const { provider, inputs, authentik, kubeconfig } = await open("foreign");
    await authentik.addOutpost({ name: "other" });
    await untilAvailable(kubeconfig, { namespace: inputs.namespace, name: "other" });
    const foreign = { ...inputs, deployment: "ak-outpost-other" };
    assert.equal(
      (await failureOf(provider.create(foreign))).message,
      'Deployment provider-foreign/ak-outpost-other is that of another outpost than authentik\'s "main"',
    );
    await provider.delete(authentik.outpost("main").pk, foreign);
    assert.deepEqual(authentik.writes, { created: 2, patched: 0, recreated: 0 });
  });

  it("follows authentik to another address, and an outpost to another name", async () => {
    const { provider, inputs, authentik } = await open("moved", {
      waits: { applyMs: 20_000 },
    });
    const { id, outs } = await provider.create(inputs);
    const { authentikUrl } = inputs;
    const elsewhere = makeProvider();
    const config: Record<string, string> = {
      "authentik-outpost-shm:authentikUrl": `${authentikUrl}/`,
      "authentik-outpost-shm:authentikToken": authentik.token,
      "kubernetes:kubeconfig": (await sharedCluster()).kubeconfig,
    };
    await elsewhere.configure?.({ config: { get: (key) => config[key], require: (key) => config[key] } });
    const former = { ...outs!, authentikUrl: "http://127.0.0.1:9", outpost: "former name" };
    assert.deepEqual((await elsewhere.read(id, former)).props?.operations, inputs.operations);
    await elsewhere.delete(id, former);
    assert.equal(authentik.outpost("main").config.kubernetes_json_patches, null);
  });

  it("says what the pods lack where the rollout does not end", async () => {
    const { provider, inputs, authentik } = await open("pending", { waits: { applyMs: 20_000, rolloutMs: 2_000 } });
    const nowhere = { op: "add", path: "/spec/template/spec/nodeSelector", value: { disk: "none" } };
    await authentik.edit("main", (config) => ({ ...config, kubernetes_json_patches: { deployment: [nowhere] } }));
    // The program awaits the rollout of an addition, but the provider itself that of a removal.
    const { id, outs } = await provider.create(inputs);
    const { message } = await failureOf(provider.delete(id, outs!));
    assert.match(
      message,
      /^Deployment provider-pending\/ak-outpost-main: .*; pod ak-outpost-main-\S+: unschedulable \(0\/1 nodes are available: 1 node\(s\) didn't match Pod's node affinity\/selector\..*\), after 2 s$/,
    );
  });

  it("asks the API server before authentik does, and changes nothing where it says no", async () => {
    const { provider, inputs, authentik } = await open("invalid");
    const before = authentik.outpost("main").config;
    const operations = structuredClone(inputs.operations);
    (operations[0].value as { emptyDir: { sizeLimit: string } }).emptyDir.sizeLimit = "-1";
    const error = await failureOf(provider.create({ ...inputs, operations }));
    assert.match(
      error.message,
      /^Kubernetes refused to patch Deployment provider-invalid\/ak-outpost-main: .*spec\.template\.spec\.volumes\[0\]\.emptyDir\.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity/,
    );
    assert.equal(error.id, undefined);
    assert.deepEqual(authentik.outpost("main").config, before);
    assert.deepEqual(authentik.writes, { created: 1, patched: 0, recreated: 0 });
  });

  it("is gone with an outpost that was deleted in authentik, but not where only the permission is", async () => {
    const { provider, inputs, kubeconfig, outpost } = await open("gone", { waits: { applyMs: 20_000 } });
    const renamed = { ...inputs, outpost: "renamed" };
    await assert.rejects(provider.read("pk", renamed), /authentik has no outpost "renamed"/);
    await assert.rejects(
      provider.delete("pk", renamed),
      /authentik has no outpost "renamed"; .*Deployment provider-gone\/ak-outpost-main is still there\. If the outpost was deleted in authentik, nobody would bring that back: .*, and try again$/,
    );
    await deleteOutpost(kubeconfig, outpost);
    assert.deepEqual(await provider.read("pk", renamed), {});
    await provider.delete("pk", renamed);
  });

  it("leaves the config to the resource of the outpost's new Deployment", async () => {
    const { provider, inputs, authentik } = await open("renamed", { waits: { applyMs: 20_000 } });
    const { outs } = await provider.create(inputs);
    const before = authentik.outpost("main").config;
    await provider.delete("pk", { ...outs!, deployment: "ak-outpost-former" });
    assert.deepEqual(authentik.outpost("main").config, before);
  });
});

/** Refuses real patches of the namespace's Deployments and accepts dry runs, since an admission policy can tell them apart. */
async function refusePatches(kubeconfig: string, namespace: string): Promise<{ end: () => Promise<void> }> {
  const { AdmissionregistrationV1Api } = await import("@kubernetes/client-node");
  const { apps, kubeConfig, merge } = await clients(kubeconfig);
  const admission = kubeConfig.makeApiClient(AdmissionregistrationV1Api);
  const name = `refuse-${namespace}`;
  const inNamespace = { matchLabels: { "kubernetes.io/metadata.name": namespace } };
  await admission.createValidatingAdmissionPolicy({
    body: {
      metadata: { name },
      spec: {
        matchConstraints: {
          resourceRules: [
            { apiGroups: ["apps"], apiVersions: ["v1"], operations: ["UPDATE"], resources: ["deployments"] },
          ],
        },
        validations: [{ expression: "request.dryRun", message: "not today" }],
      },
    },
  });
  await admission.createValidatingAdmissionPolicyBinding({
    body: {
      metadata: { name },
      spec: { policyName: name, validationActions: ["Deny"], matchResources: { namespaceSelector: inNamespace } },
    },
  });
  // The policy is in force once it refuses a change that does nothing.
  const touch = () => apps.patchNamespacedDeployment({ namespace, name: "ak-outpost-main", body: {} }, merge);
  const inForce = () =>
    touch().then(
      () => undefined,
      () => true,
    );
  await waitUntil(inForce, { what: "the admission policy", timeoutMs: 30_000 });
  return {
    end: async () => {
      await admission.deleteValidatingAdmissionPolicyBinding({ name });
      await admission.deleteValidatingAdmissionPolicy({ name });
    },
  };
}

/** Puts the sidecar's volume back whenever it is gone, as someone else: within the write that removes it, so that no time is lost. */
async function bringBack(
  kubeconfig: string,
  { namespace, deployment }: OutpostJsonPatchInputs,
): Promise<{ end: () => Promise<void> }> {
  const { KubernetesObjectApi } = await import("@kubernetes/client-node");
  const { apps, kubeConfig, strategicMerge } = await clients(kubeconfig);
  const objects = KubernetesObjectApi.makeApiClient(kubeConfig);
  const volumes = "object.spec.template.spec.volumes";
  const policy = {
    matchConstraints: {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
      resourceRules: [{ apiGroups: ["apps"], apiVersions: ["v1"], operations: ["UPDATE"], resources: ["deployments"] }],
    },
    reinvocationPolicy: "Never",
    mutations: [
      {
        patchType: "JSONPatch",
        jsonPatch: {
          expression:
            `has(${volumes}) && ${volumes}.exists(volume, volume.name == "dshm") ? [] : ` +
            `(has(${volumes}) ? [] : [JSONPatch{op: "add", path: "/spec/template/spec/volumes", value: []}]) + ` +
            `[JSONPatch{op: "add", path: "/spec/template/spec/volumes/-", value: Object.spec.template.spec.volumes{name: "dshm"}}]`,
        },
      },
    ],
  };
  const name = `bring-back-${namespace}`;
  const specs = { MutatingAdmissionPolicy: policy, MutatingAdmissionPolicyBinding: { policyName: name } };
  const made = Object.entries(specs).map(([kind, spec]) => {
    return { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata: { name }, spec };
  });
  for (const object of made) await objects.create(object);
  // Until the policy is in force, the API server refuses a Deployment that mounts a volume it does not have.
  const body = { spec: { template: { spec: { volumes: [{ name: "dshm", $patch: "delete" }] } } } };
  const remove = () =>
    apps.patchNamespacedDeployment({ namespace, name: deployment, body, dryRun: "All" }, strategicMerge);
  const inForce = () =>
    remove().then(
      () => true,
      () => undefined,
    );
  await waitUntil(inForce, { what: "the admission policy", timeoutMs: 30_000 });
  return {
    end: async () => {
      for (const object of made) await objects.delete(object);
    },
  };
}
