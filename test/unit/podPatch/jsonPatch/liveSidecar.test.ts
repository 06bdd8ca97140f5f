import assert from "node:assert/strict";
import type { Deployment } from "../../../../kubernetes/types";
import { referenceDeployment } from "../../../../sandbox/outpost/reference";
import { ownPart } from "../../../../podPatch/jsonPatch/jsonPatch";
import { differences, hasStrays, sidecarMerge } from "../../../../podPatch/jsonPatch/liveSidecar";
import { podFragment } from "../../../../podPatch/podFragment";
import { outpostSettings } from "../../outposts";

const native = ownPart(podFragment(outpostSettings()));
const bare = native.filter(({ path }) => !path.endsWith("/initContainers/-"));
const valueAt = (list: string) => native.filter(({ path }) => path.endsWith(`/${list}/-`)).map(({ value }) => value);

/** Returns authentik's Deployment with these additions to its pod spec. */
function live(podSpec: object = {}, volumeMounts?: object[]): Deployment {
  const deployment = referenceDeployment({ namespace: "authentik", name: "My Outpost" });
  Object.assign(deployment.spec!.template.spec!, podSpec);
  if (volumeMounts) Object.assign(deployment.spec!.template.spec!.containers[0], { volumeMounts });
  return structuredClone(deployment);
}
const withNative = () =>
  live({ volumes: valueAt("volumes"), initContainers: valueAt("initContainers") }, valueAt("volumeMounts") as object[]);
const mount = { name: "proxy", volumeMounts: [{ name: "dshm", mountPath: "/dev/shm" }] };

describe("the sidecar on a live Deployment", () => {
  it("is brought by a merge of its elements, beside others'", () => {
    assert.deepEqual(sidecarMerge(native, live({ volumes: [{ name: "cert" }] })), {
      volumes: valueAt("volumes"),
      initContainers: valueAt("initContainers"),
      containers: [mount],
    });
  });

  it("takes what is ours from the list it is no longer in", () => {
    assert.equal(hasStrays(bare, live()), false);
    assert.equal(hasStrays(native, withNative()), false);
    assert.equal(hasStrays(bare, withNative()), true);
    assert.deepEqual(sidecarMerge(bare, withNative())?.initContainers, [{ name: "shm-cleanup", $patch: "delete" }]);
    const ordinary = live({ containers: [...live().spec!.template.spec!.containers, { name: "shm-cleanup" }] });
    assert.deepEqual(
      sidecarMerge(native, ordinary)?.containers,
      [{ name: "shm-cleanup", $patch: "delete" }, mount].reverse(),
    );
  });

  it("is removed element by element, and nothing else is", () => {
    const cert = { name: "cert", emptyDir: {} };
    const deployment = withNative();
    deployment.spec!.template.spec!.volumes!.push(cert);
    assert.deepEqual(sidecarMerge([], deployment), {
      volumes: ["dshm", "shm-cleanup-settings", "shm-cleanup-run", "shm-cleanup-scripts"].map((name) => ({
        name,
        $patch: "delete",
      })),
      initContainers: [{ name: "shm-cleanup", $patch: "delete" }],
      containers: [{ name: "proxy", volumeMounts: [{ mountPath: "/dev/shm", $patch: "delete" }] }],
    });
    assert.equal(sidecarMerge([], live({ volumes: [cert] })), undefined);
  });

  it("differs until all of it is there, whatever else an element has", () => {
    assert.deepEqual(differences(native, withNative()), []);
    assert.deepEqual(differences(native, live()), [
      "volume dshm is missing",
      "volume shm-cleanup-settings is missing",
      "volume shm-cleanup-run is missing",
      "volume shm-cleanup-scripts is missing",
      "mount /dev/shm is missing",
      "init container shm-cleanup is missing",
    ]);
    const grown = withNative();
    const [sidecar] = grown.spec!.template.spec!.initContainers!;
    Object.assign(sidecar, { stdin: false });
    sidecar.env!.unshift({ name: "INJECTED", value: "1" });
    sidecar.volumeMounts!.unshift({ name: "dshm", mountPath: "/mnt/shm" });
    assert.deepEqual(differences(native, grown), []);
    const resized = withNative();
    resized.spec!.template.spec!.volumes![0].emptyDir!.sizeLimit = "64Mi";
    assert.deepEqual(differences(native, resized), ["volume dshm has another emptyDir"]);
    assert.deepEqual(differences(bare, withNative()), ["init container shm-cleanup is still there"]);
  });
});
