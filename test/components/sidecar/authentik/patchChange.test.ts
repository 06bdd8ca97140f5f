import assert from "node:assert/strict";
import { describePatchChange, patchChange } from "../../../../components/sidecar/authentik/patchChange";
import type { JsonPatchOperation } from "../../../../components/sidecar/authentik/operations";

const replicas: JsonPatchOperation = { op: "replace", path: "/spec/replicas", value: 2 };
const volume = (name: string) => ({ name, emptyDir: { medium: "Memory", sizeLimit: "256Mi" } });

describe("the change of a JSON patch, to be read", () => {
  it("is nothing where nothing changes", () => {
    assert.deepEqual(patchChange([replicas], [replicas]), []);
    assert.equal(describePatchChange("main", [replicas], [replicas]), undefined);
  });

  it("says what goes and what comes, long values by the names in them", () => {
    const before: JsonPatchOperation[] = [replicas, { op: "remove", path: "/a" }, replicas];
    const after: JsonPatchOperation[] = [
      replicas,
      { op: "move", from: "/b", path: "/c" },
      { op: "add", path: "/volumes", value: [volume("dshm"), volume("other")] },
      { op: "add", path: "/volumes/-", value: volume("long-enough-to-be-named-only-by-its-name") },
      { op: "add", path: "/text", value: "x".repeat(100) },
    ];
    assert.equal(
      describePatchChange("main", before, after),
      [
        'outpost "main": kubernetes_json_patches.deployment in authentik changes:',
        "    - remove /a",
        "    - replace /spec/replicas 2",
        "    + move /c from /b",
        "    + add /volumes (dshm, other)",
        "    + add /volumes/- (long-enough-to-be-named-only-by-its-name)",
        `    + add /text "${"x".repeat(79)}…`,
      ].join("\n"),
    );
  });
});
