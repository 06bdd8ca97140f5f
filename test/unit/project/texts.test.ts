// Advice that no text of the product may give.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../../sandbox/paths";

describe("the product's texts", () => {
  const list = ["ls-files", "-z", "--", "*.ts", "*.md", "*.sh", ":!test", ":!sandbox", ":!bench", ":!toolchain"];
  const files = execFileSync("git", list, { cwd: repositoryRoot, encoding: "utf8" }).split("\0").filter(Boolean);
  const giving = (advice: RegExp) =>
    files.filter((file) => advice.test(readFileSync(join(repositoryRoot, file), "utf8")));

  it("advise no bare deletion of a Deployment: `outpost-shm recreate` asks authentik first", () => {
    assert.ok(files.length > 100, `only ${files.length} files`);
    assert.deepEqual(giving(/delete (deploy|deployments?)(\.apps)?[ /]/), []);
  });

  it("move nobody off the embedded outpost, whose sessions are not in /dev/shm", () => {
    assert.deepEqual(giving(/(separate|standalone) outpost/i), []);
  });
});
