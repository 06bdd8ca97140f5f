// authentik's handling of the JSON patch that we compose, played by hand on the real API server. It applies the patch to its own
// Deployment and sends the result as a strategic merge patch. At rest it applies it to the live one and writes if that differs.
import assert from "node:assert/strict";
import { applyPatch, type Operation } from "rfc6902";
import type { JsonPatchOperation } from "../../../authentik/operations";
import {
  AUTHENTIK_FIELD_MANAGER,
  createOutpost,
  outpostObjectName,
  referenceDeployment,
} from "../../../sandbox/outpost";
import { compose, ownPart, withoutOurs } from "../../../sidecar/jsonPatch/jsonPatch";
import { podFragment } from "../../../sidecar/podFragment";
import { outpostSettings } from "../../unit/outposts";
import { sharedCluster } from "../cluster/fixture";

const spec = "/spec/template/spec";
const cert = { name: "cert", emptyDir: {} };
const existing: JsonPatchOperation[] = [
  { op: "add", path: `${spec}/volumes`, value: [cert] },
  { op: "add", path: `${spec}/containers/0/volumeMounts`, value: [{ name: "cert", mountPath: "/cert" }] },
];

/** Drops the client's classes, so that authentik sees what goes over the wire. */
const json = <T>(object: T): T => JSON.parse(JSON.stringify(object)) as T;

function patched<T>(object: T, operations: readonly JsonPatchOperation[]): T {
  const copy = json(object);
  const failed = applyPatch(copy, structuredClone(operations) as Operation[]).filter(Boolean);
  assert.deepEqual(failed, []);
  return copy;
}

describe("the JSON patch we compose, on the real API server", () => {
  for (const [others, operations] of [
    ["none", []],
    ["volumes and mounts", existing],
  ] as const) {
    it(`changes nothing on the live Deployment (others' operations: ${others})`, async () => {
      const { kubeconfig } = await sharedCluster();
      const { AppsV1Api, KubeConfig, PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
      const config = new KubeConfig();
      config.loadFromFile(kubeconfig);
      const apps = config.makeApiClient(AppsV1Api);
      const namespace = `test-json-patch-${operations.length}`;
      const outpost = { namespace, name: "My Outpost" };
      await createOutpost(kubeconfig, outpost);
      const part = ownPart(podFragment(outpostSettings()));
      const composed = compose(operations, part).operations;
      const target = { namespace, name: outpostObjectName(outpost) };
      const send = (body: object) =>
        apps.patchNamespacedDeployment(
          { ...target, fieldManager: AUTHENTIK_FIELD_MANAGER, body },
          setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch),
        );
      const first = await send(patched(referenceDeployment(outpost), composed));
      assert.deepEqual(patched(first, composed), json(first));
      const again = await send(patched(referenceDeployment(outpost), composed));
      assert.equal(again.metadata!.generation, first.metadata!.generation);
      assert.deepEqual(withoutOurs(composed), operations);
    });
  }
});
