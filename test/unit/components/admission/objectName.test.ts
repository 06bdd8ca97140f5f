import assert from "node:assert/strict";
import { clusterObjectName } from "../../../../components/admission/objectName";

const nameOf = (stack: string, namespace: string) =>
  clusterObjectName("authentik-outpost-shm", `authentik-outpost-shm-${stack}`, namespace);

describe("the name of an object of the whole cluster", () => {
  it("has the stack and the namespace in it", () => {
    assert.equal(nameOf("prod", "authentik"), "authentik-outpost-shm.prod.authentik");
  });

  it("is another for each stack and namespace", () => {
    const stacks = ["a", "a-b", "a_b", "a.b", "A", "_", "-", "project/a", "project-a", "é"];
    const names = stacks.flatMap((stack) => ["a", "b", "b-a", "a-b"].map((namespace) => nameOf(stack, namespace)));
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
  });
});
