import assert from "node:assert/strict";
import type { JsonPatchOperation } from "../../../authentik/operations";
import { describePatchChange, patchChange } from "../../../authentik/patchDiff";

const replicas: JsonPatchOperation = { op: "replace", path: "/spec/replicas", value: 2 };
const volume = (name: string) => ({ name, emptyDir: { medium: "Memory", sizeLimit: "256Mi" } });

describe("the change of a JSON patch, to be read", () => {
  it("is nothing where nothing changes", () => {
    assert.deepEqual(patchChange([replicas], [replicas]), []);
    assert.equal(describePatchChange("main", [replicas], [replicas]), undefined);
  });

  it("says what differs in a value that changes where it stands", () => {
    const sidecar = (script: string, image = "busybox:1.36") => ({
      op: "add" as const,
      path: "/initContainers",
      value: [{ name: "shm-cleanup", image, command: ["sh", "-c", script], env: [{ name: "A", value: "1" }] }],
    });
    const volumes = (sizeLimit: string, medium?: string) => ({
      op: "add" as const,
      path: "/volumes",
      value: [{ name: "dshm", emptyDir: { sizeLimit, ...(medium && { medium }) } }, { name: "other" }],
    });
    assert.deepEqual(
      patchChange(
        [volumes("256Mi"), sidecar("x".repeat(500))],
        [volumes("512Mi", "Memory"), sidecar("y".repeat(600), "busybox:1.37")],
      ),
      [
        '~ /volumes dshm.emptyDir.sizeLimit: "256Mi" => "512Mi"',
        '~ /volumes dshm.emptyDir.medium: nothing => "Memory"',
        '~ /initContainers shm-cleanup.image: "busybox:1.36" => "busybox:1.37"',
        "~ /initContainers shm-cleanup.command.2: (502 characters) => (602 characters)",
      ],
    );
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
