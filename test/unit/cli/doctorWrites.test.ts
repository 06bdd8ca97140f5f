// doctor's look at who writes a Deployment. The managedFields are those of a real Deployment of authentik's that Keel updates.
import assert from "node:assert/strict";
import type { V1Deployment, V1ManagedFieldsEntry } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { managed, ofVolume, podSpecFields as podSpec } from "../managedFields";
import { foundBy, fakeSnapshot, outpostDeployment, secondsAgo } from "./cluster";

const proxy = (fields: object) => podSpec({ "f:containers": { 'k:{"name":"proxy"}': fields } });
const image = proxy({ "f:image": {} });
const entry = (manager: string, ago: number, fieldsV1: object, subresource?: string): V1ManagedFieldsEntry => ({
  ...managed(manager, fieldsV1, subresource),
  time: secondsAgo(ago),
});

function deployment(
  managedFields: V1ManagedFieldsEntry[],
  { generation = 3, days = 30, uid = "1" } = {},
): V1Deployment {
  const made = outpostDeployment();
  const creationTimestamp = secondsAgo(days * 86_400);
  made.metadata = { ...made.metadata, uid, generation, creationTimestamp, managedFields };
  return made;
}

function findings(live: V1Deployment, later?: V1Deployment) {
  const outposts = { deployments: [live], pods: [] };
  const found = foundBy("writes", fakeSnapshot({ outposts, ...(later && { later: [later] }) }));
  return found.map(({ seen, why, todo }) => ({ seen, why, todo }));
}

const leaveAlone = (who: string): string =>
  `Have ${who} leave this Deployment alone: authentik sets these fields whenever it reconciles (image and replicas by the outpost's config: container_image, kubernetes_replicas).`;
const observeAgain = "Observe again: outpost-shm doctor --observe 10m, and save the outpost in the Admin UI meanwhile.";

describe("doctor on writes", () => {
  const authentiks = entry("goauthentik.io", 7200, proxy({ ".": {}, "f:name": {}, "f:ports": {}, "f:image": {} }));
  const withoutImage = entry("goauthentik.io", 7200, proxy({ ".": {}, "f:name": {} }));

  it("says who holds the replicas, also by the subresource, as an autoscaler does", () => {
    const scaled = entry("kube-controller-manager", 60, { "f:spec": { "f:replicas": {} } }, "scale");
    const [{ seen, todo }] = findings(deployment([authentiks, scaled]));
    assert.match(seen, /^replicas, which authentik sets, was written last by kube-controller-manager; last writes: /);
    assert.equal(todo, leaveAlone("kube-controller-manager"));
  });

  it("finds very many writes while authentik holds the image, and names the writers", () => {
    const keel = entry("keel", 60, { "f:metadata": { "f:annotations": { "f:kubernetes.io/change-cause": {} } } });
    assert.deepEqual(findings(deployment([authentiks, keel], { generation: 412 })), [
      {
        seen:
          "it has been changed 412 times in 30d (its generation); last writes: " +
          "keel (Update) at 2026-11-24T02:59:00.000Z: metadata.annotations[kubernetes.io/change-cause]; " +
          "goauthentik.io (Update) at 2026-11-24T01:00:00.000Z: spec.template.spec.containers[proxy].name, " +
          "spec.template.spec.containers[proxy].ports, spec.template.spec.containers[proxy].image",
        why: "Two programs that set one field write it in turn, for ever. Each change of the pods restarts them, which ends their sessions.",
        todo: "Have only one of these writers set each field. Nothing here tells which of them is right.",
      },
    ]);
  });

  it("has nothing to say of fewer writes, of many over years, or of another's image where authentik never wrote", () => {
    assert.deepEqual(findings(deployment([authentiks], { generation: 99 })), []);
    assert.deepEqual(findings(deployment([authentiks], { generation: 400, days: 401 })), []);
    assert.deepEqual(findings(deployment([entry("kubectl-client-side-apply", 60, image)])), []);
  });

  it("says what was written by whom while it was observed, and advises nothing that ends sessions", () => {
    const before = deployment([authentiks]);
    const after = deployment([withoutImage, entry("keel", 1, image)], { generation: 4 });
    const [held, { seen, why, todo }] = findings(before, after);
    assert.match(held.seen, /^the image of container proxy, which authentik sets, was written last by keel; /);
    assert.equal(
      seen,
      "while it was observed (generation 3 to 4): keel (Update) at 2026-11-24T02:59:59.000Z: spec.template.spec.containers[proxy].image",
    );
    assert.equal(
      why,
      "At rest nobody writes an outpost's Deployment. One write is an update; several are of programs that write in turn, or of one whose write never fits.",
    );
    assert.equal(todo, observeAgain);
  });

  it("names a patch in authentik only where authentik owns what such a patch brings", () => {
    const volume = podSpec(ofVolume);
    const before = deployment([authentiks]);
    const after = deployment([authentiks, entry("goauthentik.io", 1, volume)], { generation: 4 });
    const [{ todo }] = findings(before, after);
    assert.equal(
      todo,
      `${observeAgain} A patch pasted into the outpost's kubernetes_json_patches may be one that never fits: have it taken over by \`delivery: authentik\`.`,
    );
  });

  it("says who created a Deployment again, and why authentik does", () => {
    const port =
      "See that the outpost's own container comes first and has its ports: outpost-shm verify. authentik's log says what it refused.";
    const recreates =
      "authentik recreates a Deployment whose first container is not as it made it, or whose update is refused: each time all sessions end.";
    for (const [who, todo, why] of [
      ["helm", "Find out why helm does that.", "Each time all sessions end."],
      ["goauthentik.io", port, recreates],
    ]) {
      const after = deployment([entry(who, 1, image)], { uid: "2" });
      const seen = `while it was observed it was deleted, and created again by ${who}`;
      assert.deepEqual(findings(deployment([authentiks]), after), [{ seen, why, todo }]);
    }
  });
});
