import assert from "node:assert/strict";
import type { JsonPatchOperation } from "../../../authentik/operations";
import {
  deploymentOperations,
  formOfNone,
  withDeploymentOperations,
  withoutDeploymentOperations,
} from "../../../authentik/outpostPatches";

const operation: JsonPatchOperation = { op: "add", path: "/spec/replicas", value: 2 };
const service = [{ op: "add", path: "/spec/type", value: "NodePort" }];

describe("the JSON patches in an outpost's config", () => {
  for (const [what, config] of Object.entries({
    "no key": { log_level: "info" },
    null: { kubernetes_json_patches: null, log_level: "info" },
    "an empty object": { kubernetes_json_patches: {} },
    "an empty list": { log_level: "info", kubernetes_json_patches: { deployment: [] } },
    "a null list": { kubernetes_json_patches: { deployment: null } },
    "patches of another object": { kubernetes_json_patches: { service } },
    "patches of another object, and an empty list": { kubernetes_json_patches: { deployment: [], service } },
  })) {
    it(`are none where there is ${what}, which is what is left when ours go`, () => {
      assert.deepEqual(deploymentOperations(config), []);
      const patched = withDeploymentOperations(config, [operation]);
      assert.deepEqual(deploymentOperations(patched), [operation]);
      assert.deepEqual(withoutDeploymentOperations(patched, formOfNone(config)), config);
    });
  }

  it("stay for other objects, and all else of the config does", () => {
    const config = { a: 1, kubernetes_json_patches: { service, deployment: [] }, b: { c: [2] } };
    assert.deepEqual(withDeploymentOperations(config, [operation]), {
      a: 1,
      kubernetes_json_patches: { service, deployment: [operation] },
      b: { c: [2] },
    });
  });

  it("are null, authentik's own default, where it is not known what was there", () => {
    const config = { kubernetes_json_patches: { deployment: [operation] } };
    assert.deepEqual(withoutDeploymentOperations(config), { kubernetes_json_patches: null });
  });

  it("are refused where they are no object", () => {
    assert.throws(() => deploymentOperations({ kubernetes_json_patches: [operation] }), {
      name: "JsonPatchError",
      message:
        'kubernetes_json_patches is [{"op":"add","path":"/spec/replicas","value":2}]; it must be an object of JSON patches by kind',
    });
  });
});
