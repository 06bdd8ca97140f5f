// Advice that no text of the product may give, and the links in it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
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

  /** Returns the anchors of a page's headings, as GitHub makes them. */
  const anchors = (page: string): string[] =>
    [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\- _]/gu, "")
        .replaceAll(" ", "-"),
    );

  it("link to files and headings that are there", () => {
    const pages = files.filter((file) => file.endsWith(".md"));
    const broken = pages.flatMap((page) =>
      [...readFileSync(join(repositoryRoot, page), "utf8").matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
        .filter(([, path, anchor]) => {
          const target = path === "" ? join(repositoryRoot, page) : join(repositoryRoot, dirname(page), path);
          if (!existsSync(target)) return true;
          return (
            anchor !== undefined && target.endsWith(".md") && !anchors(readFileSync(target, "utf8")).includes(anchor)
          );
        })
        .map(([link]) => `${page}: ${link}`),
    );
    assert.deepEqual(broken, []);
    assert.ok(pages.length > 20, `only ${pages.length} pages`);
  });
});
