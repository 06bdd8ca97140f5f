// The example for GitLab, as far as it can be tried without one: its schema, the jobs that its rules choose, and their scripts.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { repositoryRoot } from "../../../sandbox/paths";

const example = join(repositoryRoot, "examples", "gitlab", ".gitlab-ci.yml");

/** Lends Node 20 the one method that gitlab-ci-local needs of Node 22. */
const set = "Set.prototype.union ??= function (other) { return new Set([...this, ...other]); }";

interface Job {
  script: string[];
  before_script: string[];
  variables?: Record<string, string>;
}

describe("the example for GitLab", function () {
  this.timeout(60_000);

  let clone: string;
  before(() => {
    clone = mkdtempSync(join(tmpdir(), "gitlab-"));
    copyFileSync(example, join(clone, ".gitlab-ci.yml"));
    const git = (...args: string[]) => spawnSync("git", args, { cwd: clone });
    git("init", "--initial-branch", "main");
    git("remote", "add", "origin", "git@gitlab.example:group/project.git");
    git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--allow-empty", "--message", "first");
  });
  after(() => rmSync(clone, { recursive: true }));

  /** Runs gitlab-ci-local with GitLab's own variables. */
  function local(args: string[], variables: Record<string, string> = {}): string {
    const given = Object.entries(variables).flatMap(([name, value]) => ["--variable", `${name}=${value}`]);
    const command = ["--import", `data:text/javascript,${encodeURIComponent(set)}`, require.resolve("gitlab-ci-local")];
    const { status, stdout, stderr } = spawnSync(process.execPath, [...command, ...args, ...given], {
      cwd: clone,
      encoding: "utf8",
      env: { ...process.env, GCL_IGNORE_PREDEFINED_VARS: Object.keys(variables).join(",") },
    });
    assert.equal(status, 0, stderr);
    assert.match(stderr, /json schema validated/);
    return stdout;
  }

  /** Returns the jobs of a pipeline, each with when it runs. */
  function pipeline(variables: Record<string, string>): string[] {
    const jobs = JSON.parse(local(["--list-json"], variables)) as { name: string; when: string }[];
    return jobs.filter(({ when }) => when !== "never").map(({ name, when }) => `${name} ${when}`);
  }

  const mergeRequest = (from: string) => ({
    CI_PIPELINE_SOURCE: "merge_request_event",
    CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: from,
    CI_MERGE_REQUEST_PROJECT_PATH: "group/project",
  });
  const pipelines: Record<string, [variables: Record<string, string>, jobs: string[]]> = {
    "a merge request of the project's own": [
      mergeRequest("group/project"),
      ["preview: [dev] on_success", "preview: [prod] on_success"],
    ],
    "a fork's merge request": [mergeRequest("fork/project"), []],
    "a push to the default branch": [
      { CI_PIPELINE_SOURCE: "push", CI_COMMIT_BRANCH: "main", CI_DEFAULT_BRANCH: "main" },
      ["deploy-dev on_success", "deploy-prod manual"],
    ],
    "a push to another branch": [
      { CI_PIPELINE_SOURCE: "push", CI_COMMIT_BRANCH: "idea", CI_DEFAULT_BRANCH: "main" },
      [],
    ],
    "a schedule": [
      { CI_PIPELINE_SOURCE: "schedule", CI_COMMIT_BRANCH: "main", CI_DEFAULT_BRANCH: "main" },
      ["drift: [dev] on_success", "drift: [prod] on_success"],
    ],
  };
  for (const [what, [variables, jobs]] of Object.entries(pipelines)) {
    it(`runs for ${what}: ${jobs.join(", ") || "nothing"}`, () => assert.deepEqual(pipeline(variables), jobs));
  }

  it("logs in by the job's identity, and runs these commands", () => {
    const bin = join(clone, "bin");
    mkdirSync(bin);
    for (const program of ["npm", "pulumi"])
      writeFileSync(join(bin, program), `#!/bin/sh\necho "${program} $*"\n`, { mode: 0o755 });
    const jobs = parse(local(["--preview"])) as Record<string, Job>;
    const commands = ["preview: [dev]", "drift: [prod]", "deploy-dev", "deploy-prod"].map((name) => {
      const { before_script, script, variables } = jobs[name] ?? jobs[name.replace(/: \[.*/, "")];
      const env = {
        PATH: `${bin}:/usr/bin:/bin`,
        PULUMI_ORG: "my-org",
        PULUMI_ID_TOKEN: "the identity",
        STACK: /\[(.*)\]/.exec(name)?.[1],
        ...variables,
      };
      const { stdout } = spawnSync("bash", ["-ec", [...before_script, ...script].join("\n")], {
        encoding: "utf8",
        env,
      });
      return stdout.trim().split("\n");
    });
    const login = "pulumi login https://api.pulumi.com --oidc-token the identity --oidc-org my-org";
    const each = (command: string) => ["npm ci --ignore-scripts", login, `pulumi ${command}`];
    assert.deepEqual(commands, [
      each("preview --diff --stack my-org/dev"),
      each("preview --diff --refresh --expect-no-changes --stack my-org/prod"),
      each("up --yes --refresh --stack my-org/dev"),
      each("up --yes --refresh --stack my-org/prod"),
    ]);
  });

  it("uses the pinned CLI's image", () => {
    const { image } = (parse(readFileSync(example, "utf8")) as Record<string, { image: { name: string } }>)[".pulumi"];
    const pinned = readFileSync(join(repositoryRoot, ".pulumi.version"), "utf8").trim();
    assert.equal(image.name, `pulumi/pulumi-nodejs-22:${pinned}`);
  });
});
