import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { version as sdk } from "@pulumi/pulumi/package.json";
import { parse } from "yaml";
import { repositoryRoot } from "../../../sandbox/paths";
import { consoleProgress } from "../../../sandbox/progress";
import { ensureTools } from "../../../sandbox/toolchain";
import { readModule, RECIPES } from "../../../sandbox/toolchain/modules";
import { useTempDir } from "../tempDir";

interface Step {
  run?: string;
  uses?: string;
  with?: Record<string, string>;
}

interface Job {
  concurrency?: unknown;
  strategy?: { matrix?: { stack?: string[] } };
  environment?: string;
  steps: Step[];
}

interface Workflow {
  permissions?: Record<string, string>;
  concurrency?: unknown;
  jobs: Record<string, Job>;
}

const directory = join(repositoryRoot, ".github", "workflows");
const files = readdirSync(directory).sort();
const text = (file: string): string => readFileSync(join(directory, file), "utf8");
const read = (file: string): string => readFileSync(join(repositoryRoot, file), "utf8");
const setup = read(".github/actions/pulumi-setup/action.yml");
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
    const inDocs = /```yaml\n(name: deploy\n[^`]*)```/.exec(read("docs/ci.md"))?.[1];
    assert.ok(inDocs);
    for (const [args, input] of [[paths], [["-"], inDocs]] as const) {
      const lint = { cwd: repositoryRoot, encoding: "utf8", input } as const;
      const { status, stdout } = spawnSync(actionlint, ["-no-color", ...args], lint);
      assert.equal(stdout, "");
      assert.equal(status, 0);
    }
  });

  for (const file of ["deploy.yml", "drift.yml", "preview.yml"]) {
    it(`${file} runs every stack of the project, each behind an environment`, () => {
      const jobs = Object.values((parse(text(file)) as Workflow).jobs).filter(({ strategy }) => strategy);
      assert.equal(jobs.length, 1);
      assert.deepEqual([...(jobs[0].strategy?.matrix?.stack ?? [])].sort(), stacks);
      assert.match(jobs[0].environment ?? "", /^\$\{\{ matrix\.stack \}\}/);
    });
  }

  it("have no stack wait for the reviewers of another, and cancel no update", () => {
    const { concurrency, jobs } = parse(text("deploy.yml")) as Workflow;
    assert.equal(concurrency, undefined);
    assert.deepEqual(jobs.deploy.concurrency, { group: "deploy-${{ matrix.stack }}", "cancel-in-progress": false });
  });

  it("pin every action by commit", () => {
    const actions = [...files.map(text), setup]
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

  const inFolder = useTempDir();

  /** Runs a step's shell as a runner does, with its files in the folder; returns its output and what it wrote to them. */
  function run(script: string | undefined, env: Record<string, string>) {
    const names = ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV"];
    const paths = names.map((name) => inFolder(name));
    for (const path of paths) writeFileSync(path, "");
    const given = Object.fromEntries(names.map((name, index) => [name, paths[index]]));
    const args = ["--noprofile", "--norc", "-eo", "pipefail", "-c", script ?? "false"];
    const { status, stdout } = spawnSync("bash", args, {
      encoding: "utf8",
      env: { PATH: "/usr/bin:/bin", HOME: inFolder(), RUNNER_TEMP: inFolder(), ...given, ...env },
    });
    const [output, summary, environment] = paths.map((path) => readFileSync(path, "utf8"));
    return { status, stdout, output, summary, environment };
  }

  const fork =
    "This pull request gets no preview: it comes from a fork, and GitHub gives those no secrets. A maintainer can push its commits to a branch of this repository.";
  const dependabot =
    "This pull request gets no preview: it is Dependabot's, which GitHub gives no secrets. A commit of your own on its branch brings a preview.";
  for (const [author, head, reason] of [
    ["a person", "we/shm"],
    ["renovate[bot]", "we/shm"],
    ["a person", "they/shm", fork],
    ["dependabot[bot]", "we/shm", dependabot],
  ]) {
    it(`${reason ? "skip" : "run"} the preview of ${author} in ${head}${reason ? ", and say why" : ""}`, () => {
      const [step] = (parse(text("preview.yml")) as Workflow).jobs.secrets.steps;
      const env = { HEAD_REPOSITORY: head, GITHUB_REPOSITORY: "we/shm", GITHUB_ACTOR: author };
      const expected = reason
        ? { stdout: `::notice title=No preview::${reason}\n`, output: "", summary: `${reason}\n` }
        : { stdout: "", output: "given=true\n", summary: "" };
      assert.deepEqual(run(step.run, env), { status: 0, environment: "", ...expected });
    });
  }

  it("use the kubeconfig of the secret, else that of a step before, else end with what is missing", () => {
    const step = (parse(setup) as { runs: { steps: Step[] } }).runs.steps.at(-1);
    const kubeconfig = inFolder("kubeconfig");
    const missing = run(step?.run, {});
    assert.equal(missing.status, 1);
    assert.match(missing.stdout, /^::error::The secret KUBECONFIG of this environment is empty: docs\/ci\.md says/);
    const { environment } = run(step?.run, { KUBECONFIG_TEXT: "kind: Config" });
    assert.equal(environment, `KUBECONFIG=${kubeconfig}\n`);
    assert.equal(readFileSync(kubeconfig, "utf8"), "kind: Config");
    assert.equal(statSync(kubeconfig).mode & 0o777, 0o600);
    const given = run(step?.run, { KUBECONFIG: kubeconfig });
    assert.deepEqual([given.status, given.environment], [0, ""]);
  });

  it("install the CLI that the tests build, which the SDK accepts", () => {
    const { steps } = (parse(setup) as { runs: { steps: Step[] } }).runs;
    const file = steps.find(({ uses }) => uses?.startsWith("pulumi/actions@"))?.with?.["pulumi-version-file"];
    const cli = read(file ?? "").trim();
    assert.equal(`v${cli}`, readModule("pulumi").versionOf(RECIPES.pulumi.versionFrom));
    assert.ok(Number(cli.split(".")[1]) >= Number(sdk.split(".")[1]), `${cli} is older than ${sdk}`);
  });

  it("are kept up to date by Dependabot, as is every tool that it can move alone", () => {
    const { updates } = parse(read(".github/dependabot.yml")) as {
      updates: {
        "package-ecosystem": string;
        directory?: string;
        directories?: string[];
        allow?: { "dependency-name": string }[];
      }[];
    };
    const manifests: Record<string, string[]> = {
      "github-actions": [".github/workflows/*.yml", "action.yml"],
      npm: ["package-lock.json"],
      gomod: ["go.mod"],
    };
    for (const { "package-ecosystem": ecosystem, directory = "", directories = [directory] } of updates)
      for (const path of directories) {
        const specs = manifests[ecosystem].map((name) => `:(glob)${join(path, name).replace(/^\//, "")}`);
        const { stdout } = spawnSync("git", ["ls-files", "--", ...specs], { cwd: repositoryRoot, encoding: "utf8" });
        assert.notEqual(stdout, "", `${ecosystem} has nothing in ${path}`);
      }
    const ecosystems = updates.map(({ "package-ecosystem": ecosystem }) => ecosystem);
    assert.deepEqual(ecosystems, Object.keys(manifests));
    const { kubernetes: _replaced, "pulumi-kubernetes": _single, ...others } = RECIPES;
    assert.deepEqual(
      updates[2].allow?.map((allowed) => allowed["dependency-name"]),
      Object.values(others)
        .map(({ versionFrom }) => versionFrom)
        .sort(),
    );
  });
});
