import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { repositoryRoot } from "../../../sandbox/paths";
import { consoleProgress } from "../../../sandbox/progress";
import { ensureTools } from "../../../sandbox/toolchain";

interface Workflow {
  permissions?: Record<string, string>;
  jobs: Record<string, { strategy?: { matrix?: { stack?: string[] } }; environment?: string }>;
}

const directory = join(repositoryRoot, ".github", "workflows");
const files = readdirSync(directory).sort();
const text = (file: string): string => readFileSync(join(directory, file), "utf8");
const stacks = readdirSync(repositoryRoot)
  .map((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1])
  .filter((stack) => stack !== undefined)
  .sort();

describe("the workflows", () => {
  it("are these, and pass actionlint", async function () {
    this.timeout(300_000);
    assert.deepEqual(files, ["deploy.yml", "drift.yml", "preview.yml", "test.yml"]);
    const { actionlint } = await ensureTools(["actionlint"], consoleProgress());
    const paths = files.map((file) => join(directory, file));
    const { status, stdout } = spawnSync(actionlint, ["-no-color", ...paths], {
      cwd: repositoryRoot,
      encoding: "utf8",
    });
    assert.equal(stdout, "");
    assert.equal(status, 0);
  });

  for (const file of ["deploy.yml", "drift.yml", "preview.yml"]) {
    it(`${file} runs every stack of the project, each behind an environment`, () => {
      const jobs = Object.values((parse(text(file)) as Workflow).jobs);
      assert.equal(jobs.length, 1);
      assert.deepEqual([...(jobs[0].strategy?.matrix?.stack ?? [])].sort(), stacks);
      assert.match(jobs[0].environment ?? "", /^\$\{\{ matrix\.stack \}\}/);
    });
  }

  it("pin every action by commit", () => {
    const actions = [
      ...files.map(text),
      readFileSync(join(repositoryRoot, ".github/actions/pulumi-setup/action.yml"), "utf8"),
    ]
      .flatMap((content) => [...content.matchAll(/uses: (\S+)( # v\S+)?/g)])
      .filter(([, action]) => !action.startsWith("./"));
    assert.ok(actions.length > 0);
    for (const [line, action, version] of actions) {
      assert.match(action, /@[0-9a-f]{40}$/, line);
      assert.ok(version, `${line} names its version`);
    }
  });

  it("ask for no more than they need: only the preview may write, and only comments", () => {
    const permissions = Object.fromEntries(files.map((file) => [file, (parse(text(file)) as Workflow).permissions]));
    assert.deepEqual(permissions, {
      "deploy.yml": { contents: "read" },
      "drift.yml": { contents: "read" },
      "preview.yml": { contents: "read", "pull-requests": "write" },
      "test.yml": { contents: "read" },
    });
  });
});
