import assert from "node:assert/strict";
import { applyPatch, PatchRefused } from "../../../sandbox/authentik/jsonPatch";
import type { RawOperation } from "../../../sandbox/authentik/outpostConfig";

const document = { a: { list: [{ n: 1 }, { n: 2 }], text: "x" } };

/** Messages of python-json-patch 1.47 and jsonpointer 3.12, without the printed containers and Python's types. */
const refusals: [operation: RawOperation, message: string][] = [
  [{ op: "add", path: "/a/volumes/-", value: 1 }, "member 'volumes' not found"],
  [{ op: "add", path: "/b/c/d", value: 1 }, "member 'b' not found"],
  [{ op: "add", path: "/a/list/7", value: 1 }, "JSON Patch failed: can't insert outside of list"],
  [{ op: "add", path: "/a/list/x", value: 1 }, "'x' is not a valid sequence index"],
  [{ op: "add", path: "/a/list/9/v/-", value: 1 }, "index '9' is out of bounds"],
  [{ op: "add", path: "/a/text/v", value: 1 }, "Cannot apply token 'v' to non-container type"],
  [{ op: "add", path: "/a/text/v/w", value: 1 }, "Cannot apply token 'v' to non-container type"],
  [{ op: "add", path: "a/k", value: 1 }, "Location must start with /"],
  [{ op: "remove", path: "/a/zz" }, "JSON Patch failed: can't remove a non-existent object 'zz'"],
  [{ op: "remove", path: "/a/list/4" }, "JSON Patch failed: can't remove a non-existent object '4'"],
  [{ op: "remove", path: "/a/list/-" }, "invalid array index '-'"],
  [{ op: "replace", path: "/a/zz", value: 1 }, "JSON Patch failed: can't replace a non-existent object 'zz'"],
  [{ op: "replace", path: "/a/list/-", value: 1 }, "invalid array index '-'"],
  [{ op: "test", path: "/a/zz", value: 1 }, "JSON Patch failed: member 'zz' not found"],
  [{ op: "test", path: "/a/text", value: "y" }, 'JSON Patch failed: "x" is not equal to tested value "y"'],
  [{ op: "move", path: "/a/zz", from: "/a/yy" }, "JSON Patch failed: 'yy'"],
  [{ op: "copy", path: "/a/zz", from: "/a/yy" }, "JSON Patch failed: 'yy'"],
  [{ op: "copy", path: "/a/list/8", from: "/a/text" }, "JSON Patch failed: can't insert outside of list"],
  [{ op: "add", path: "/a/k" }, "JSON Patch failed: The operation does not contain a 'value' member"],
  [{ op: "bogus", path: "/a/k" }, "JSON Patch failed: Unknown operation 'bogus'"],
  [{ path: "/a/k" }, "JSON Patch failed: Operation does not contain 'op' member"],
  [{ op: "add" }, "JSON Patch failed: Operation must have a 'path' member"],
];

describe("authentik's JSON patches", () => {
  it("applies the operations in order, to a copy", () => {
    const patched = applyPatch<object>(document, [
      { op: "test", path: "/a/list/1/n", value: 2 },
      { op: "add", path: "/a/list/-", value: { n: 3 } },
      { op: "remove", path: "/a/list/0" },
      { op: "replace", path: "/a/text", value: "y" },
      { op: "add", path: "/a/app.kubernetes.io~1name", value: "outpost" },
      { op: "copy", from: "/a/text", path: "/copied" },
      { op: "move", from: "/copied", path: "/moved" },
    ]);

    assert.deepEqual(patched, {
      a: { list: [{ n: 2 }, { n: 3 }], text: "y", "app.kubernetes.io/name": "outpost" },
      moved: "y",
    });
    assert.deepEqual(document, { a: { list: [{ n: 1 }, { n: 2 }], text: "x" } });
  });

  for (const [operation, message] of refusals) {
    it(`refuses ${JSON.stringify(operation)}`, () => {
      assert.throws(() => applyPatch(document, [operation]), new PatchRefused(message));
    });
  }
});
