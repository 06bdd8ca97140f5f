import assert from "node:assert/strict";
import { mountPath, ownersOf, ownsFields } from "../../../kubernetes/fieldOwners";
import { managed, podSpecFields as podSpec } from "../managedFields";

const mount = podSpec({
  "f:containers": {
    'k:{"name":"proxy"}': { "f:volumeMounts": { 'k:{"mountPath":"/dev/shm"}': { ".": {}, "f:name": {} } } },
  },
});

describe("field owners", () => {
  it("names each owner once, sorted", () => {
    const fields = ["zeta", "alpha", "zeta"].map((manager) => managed(manager, mount));
    assert.deepEqual(ownersOf(mountPath("proxy", "/dev/shm"), fields), ["alpha", "zeta"]);
  });

  it("takes a mount of another container or path for none of its business", () => {
    assert.deepEqual(ownersOf(mountPath("other", "/dev/shm"), [managed("kubectl-edit", mount)]), []);
    assert.deepEqual(ownersOf(mountPath("proxy", "/dev"), [managed("kubectl-edit", mount)]), []);
  });

  it("does not count ownership of a subresource", () => {
    const status = [managed("ours", { "f:status": {} }, "status")];
    assert.equal(ownsFields("ours", status), false);
    assert.equal(ownsFields("ours", [managed("ours", mount)]), true);
    assert.equal(ownsFields("ours", [managed("other", mount)]), false);
  });
});
