import assert from "node:assert/strict";
import { changedFields, writesOf } from "../../../kubernetes/fieldWrites";
import { podSpecFields } from "../managedFields";

describe("writes by managedFields", () => {
  it("are listed with their fields, the newest first, without statuses", () => {
    const container = {
      'k:{"name":"proxy"}': { ".": {}, "f:image": {}, "f:ports": { 'k:{"containerPort":9000,"protocol":"TCP"}': {} } },
    };
    const writes = writesOf([
      {
        manager: "goauthentik.io",
        operation: "Update",
        time: new Date(1000),
        fieldsV1: podSpecFields({ "f:containers": container }),
      },
      { manager: "kube-controller-manager", operation: "Update", subresource: "status", fieldsV1: { "f:status": {} } },
      {
        manager: "keel",
        operation: "Update",
        time: new Date(2000),
        fieldsV1: {
          "f:metadata": {
            "f:annotations": { ".": {}, "f:kubernetes.io/change-cause": {} },
            "f:finalizers": { 'v:"x"': {} },
          },
        },
      },
    ]);
    assert.deepEqual(writes, [
      {
        manager: "keel",
        operation: "Update",
        at: 2000,
        fields: ["metadata.annotations[kubernetes.io/change-cause]", "metadata.finalizers[x]"],
      },
      {
        manager: "goauthentik.io",
        operation: "Update",
        at: 1000,
        fields: ["spec.template.spec.containers[proxy].image", "spec.template.spec.containers[proxy].ports[9000,TCP]"],
      },
    ]);
  });

  it("may have none of it", () => {
    assert.deepEqual(writesOf([{}]), [{ manager: "unknown", operation: "unknown", at: 0, fields: [] }]);
  });
});

describe("changed fields", () => {
  const containers = (image: string) => ({ spec: { containers: [{ name: "proxy", image, args: ["a"] }] } });
  it("are named as in managedFields", () => {
    assert.deepEqual(changedFields(containers("a"), containers("a")), []);
    assert.deepEqual(changedFields(containers("a"), containers("b")), ["spec.containers[proxy].image"]);
    assert.deepEqual(changedFields({ args: ["a"] }, { args: ["b"] }), ["args"]);
    assert.deepEqual(changedFields({ spec: {} }, { spec: { replicas: 2 } }), ["spec.replicas"]);
    assert.deepEqual(changedFields({ labels: { "a/b": "1" } }, { labels: {} }), ["labels[a/b]"]);
  });
});
