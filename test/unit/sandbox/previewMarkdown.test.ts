import assert from "node:assert/strict";
import { previewMarkdown } from "../../../sandbox/previewMarkdown";

describe("a preview as Markdown", () => {
  it("has a heading, the warnings, and the diff with its marks where Markdown colours them", () => {
    const diff =
      "Previewing update (prod):\n  pulumi:pulumi:Stack: (same)\n    + x:index:Y: (create)\n      ~ a : 1 => 2\n    - b\n";
    assert.deepEqual(previewMarkdown("shm on prod", ["pods restart", "memory is short"], diff).split("\n"), [
      "#### shm on prod",
      "",
      "> ⚠ pods restart",
      ">",
      "> ⚠ memory is short",
      "",
      "```diff",
      "Previewing update (prod):",
      "  pulumi:pulumi:Stack: (same)",
      "+     x:index:Y: (create)",
      "!       a : 1 => 2",
      "-     b",
      "```",
    ]);
  });

  it("fences a diff that has fences in it", () => {
    const text = previewMarkdown("shm on dev", [], "```sh\n````");
    assert.equal(text, "#### shm on dev\n\n`````diff\n```sh\n````\n`````");
  });
});
