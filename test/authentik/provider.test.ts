// The dynamic provider by its own methods, as Pulumi's host has it after serialisation, with short waits: what happens where
// authentik or the cluster do not come along.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { cleanerScripts } from "../../components/cleanerScripts";
import { podFragment } from "../../components/sidecar/podFragment";
import { ownPart } from "../../components/sidecar/authentik/jsonPatch";
import {
  outpostJsonPatchProvider,
  type OutpostJsonPatchInputs,
  type OutpostJsonPatchState,
} from "../../components/sidecar/authentik/provider";
import { startAuthentik, type AuthentikStandIn } from "../../sandbox/authentik";
import { createOutpost, deleteOutpost, untilAvailable } from "../../sandbox/outpost";
import { outpostSettings } from "../components/outposts";
import { sharedCluster } from "../cluster/fixture";

type Provider = ReturnType<typeof outpostJsonPatchProvider>;
/** What Pulumi's host makes of an error of a resource that is there, but not as it should be. */
type InitError = Error & { id?: string; properties?: OutpostJsonPatchState; reasons?: string[] };

/** Through the text that the state holds, as the host loads it. */
async function deserialised(provider: Provider): Promise<Provider> {
  const { text } = await pulumi.runtime.serializeFunction(() => provider);
  const load = createRequire(__filename)("require-from-string") as (text: string) => { handler: () => Provider };
  return load(text).handler();
}

describe("the dynamic provider of OutpostJsonPatch", () => {
  const authentiks: AuthentikStandIn[] = [];
  afterEach(async () => {
    for (const authentik of authentiks.splice(0)) await authentik.stop();
  });

  async function open(name: string, { deploys = true, token = true, waits = {} } = {}) {
    const { kubeconfig } = await sharedCluster();
    const namespace = `provider-${name}`;
    const outpost = { namespace, name: "main" };
    const authentik = await startAuthentik({ namespace, ...(deploys && { kubeconfig }) });
    authentiks.push(authentik);
    if (!deploys) await createOutpost(kubeconfig, outpost);
    await authentik.addOutpost({ name: "main" });
    if (deploys) await untilAvailable(kubeconfig, outpost);
    const provider = await deserialised(
      outpostJsonPatchProvider({ applyMs: 300, rolloutMs: 20_000, pauseMs: 50, ...waits }),
    );
    const config: Record<string, string> = {
      "kubernetes:kubeconfig": kubeconfig,
      ...(token && { "authentik-outpost-shm:authentikToken": authentik.token }),
    };
    const get = (key: string) => config[key];
    await provider.configure?.({ config: { get, require: (key) => get(key) ?? assert.fail(key) } });
    const inputs: OutpostJsonPatchInputs = {
      authentikUrl: authentik.url.replace(/\/$/, ""),
      outpost: "main",
      namespace,
      deployment: "ak-outpost-main",
      fieldManager: "authentik-outpost-shm-test",
      operations: ownPart(podFragment(outpostSettings({ name: "main" }), cleanerScripts())),
    };
    return { provider, inputs, authentik, kubeconfig, outpost };
  }

  const failureOf = (attempt: Promise<unknown>): Promise<InitError> =>
    attempt.then(
      () => assert.fail("succeeded"),
      (error: InitError) => error,
    );

  it("creates, reads, updates and deletes", async () => {
    const { provider, inputs, authentik } = await open("all", { waits: { applyMs: 20_000 } });
    const { pk, config } = authentik.outpost("main");
    const created = await provider.create(inputs);
    assert.deepEqual(created, { id: pk, outs: { ...inputs, formOfNone: "null" } });
    const state = created.outs;

    assert.deepEqual(await provider.read(pk, state), { id: pk, props: state, inputs });
    assert.deepEqual(await provider.diff(pk, state, inputs), {
      changes: false,
      replaces: [],
      deleteBeforeReplace: true,
    });

    const larger = ownPart(podFragment(outpostSettings({ name: "main", shmSize: "512Mi" }), cleanerScripts()));
    const news = { ...inputs, operations: larger };
    assert.equal((await provider.diff(pk, state, news)).changes, true);
    assert.deepEqual(await provider.update(pk, state, news), { outs: { ...news, formOfNone: "null" } });

    await provider.delete(pk, { ...news, formOfNone: "null" });
    assert.deepEqual(authentik.outpost("main").config, config);
    assert.deepEqual((await provider.read(pk, state)).props?.operations, []);
  });

  it("is replaced for another outpost or namespace, the old one going first", async () => {
    const { provider, inputs } = await open("diff");
    const state: OutpostJsonPatchState = { ...inputs };
    for (const key of ["outpost", "namespace"] as const) {
      assert.deepEqual(await provider.diff("pk", state, { ...inputs, [key]: "other" }), {
        changes: true,
        replaces: [key],
        deleteBeforeReplace: true,
      });
    }
    for (const key of ["authentikUrl", "fieldManager"] as const)
      assert.deepEqual((await provider.diff("pk", state, { ...inputs, [key]: "other" })).replaces, []);
  });

  it("is there, and says why it is not done, where authentik applies nothing", async () => {
    const { provider, inputs, authentik } = await open("asleep", { deploys: false });
    const error = await failureOf(provider.create(inputs));
    const message =
      "authentik has not applied the outpost's patch to Deployment provider-asleep/ak-outpost-main: volume dshm is missing, after 0.3 s; " +
      "look for this outpost in the log of authentik's worker, and whether one runs";
    assert.equal(error.message, message);
    assert.deepEqual([error.id, error.reasons], [authentik.outpost("main").pk, [message]]);
    assert.deepEqual(error.properties, { ...inputs, formOfNone: "null" });
    assert.equal(authentik.outpost("main").config.kubernetes_json_patches?.deployment.length, 3);
  });

  it("says what the pods lack where the rollout does not end", async () => {
    const { provider, inputs, authentik } = await open("pending", { waits: { applyMs: 20_000, rolloutMs: 2_000 } });
    const nowhere = [{ op: "add", path: "/spec/template/spec/nodeSelector", value: { disk: "none" } }];
    await authentik.edit("main", (config) => ({ ...config, kubernetes_json_patches: { deployment: nowhere } }));
    const { message, id } = await failureOf(provider.create(inputs));
    assert.match(
      message,
      /^Deployment provider-pending\/ak-outpost-main: .*; pod ak-outpost-main-\S+: unschedulable \(0\/1 nodes are available: 1 node\(s\) didn't match Pod's node affinity\/selector\..*\), after 2 s$/,
    );
    assert.equal(id, authentik.outpost("main").pk);
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

  it("needs the token that the stack's config has", async () => {
    const { provider, inputs } = await open("token", { token: false });
    const { message } = await failureOf(provider.delete("pk", inputs));
    assert.equal(
      message,
      "authentikToken is not set, and the outpost's patch is in authentik: set it with: pulumi config set --secret authentikToken",
    );
  });

  it("is gone with an outpost that was deleted in authentik, but not where only the permission is", async () => {
    const { provider, inputs, kubeconfig, outpost } = await open("gone", { waits: { applyMs: 20_000 } });
    const renamed = { ...inputs, outpost: "renamed" };
    await assert.rejects(provider.read("pk", renamed), /authentik has no outpost "renamed"/);
    await assert.rejects(provider.delete("pk", renamed), /authentik has no outpost "renamed"/);
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
