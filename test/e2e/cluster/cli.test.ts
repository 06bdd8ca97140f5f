// The ordinary `pulumi` CLI in a copy of this clone, used as in the README. Its loader compiles and runs index.ts, and the tests
// read what it prints. Without a network the language host and the Command provider are stand-ins.
import assert from "node:assert/strict";
import { clients, type Clients } from "../../../sandbox/clients";
import { createOutpost, deleteOutpost, outpostObjectName } from "../../../sandbox/outpost";
import { waitUntil } from "../../../sandbox/waitUntil";
import { openDesk, type Desk } from "../desk";
import { documented } from "../documented";
import { sharedCluster } from "./fixture";
import { cordon } from "./kubectl";

/** Namespace in the README's commands. */
const namespace = "authentik";
const context = "my-cluster";
const outpost = "My Outpost";

describe("the pulumi CLI", () => {
  let desk: Desk;
  let kubeconfig: string;
  let apps: Clients["apps"];
  let core: Clients["core"];

  before(async () => {
    ({ kubeconfig } = await sharedCluster());
    ({ apps, core } = await clients(kubeconfig));
    for (const name of [outpost, "Other"]) await createOutpost(kubeconfig, { namespace, name });
    desk = await openDesk({ name: "cli", kubeconfig, context });
  });

  const shell = (line: string) => desk.shell(line);
  const succeed = (line: string) => desk.succeed(line);
  const up = "pulumi up --yes --color never --suppress-progress";
  const upAtOnce = `${up} --skip-preview`;
  const preview = "pulumi preview --diff --color never";

  /** Reads our objects and the Deployments that we change. A change of a Deployment's spec is a new generation. */
  const live = async () => {
    const deployments = (await apps.listNamespacedDeployment({ namespace })).items;
    const configMaps = (await core.listNamespacedConfigMap({ namespace })).items;
    return {
      deployments: deployments.map(({ metadata, spec }) => ({
        name: metadata?.name,
        generation: metadata?.generation,
        sidecars: (spec?.template.spec?.initContainers ?? []).map(({ name }) => name),
      })),
      configMaps: configMaps.map(({ metadata }) => metadata?.name).filter((name) => name !== "kube-root-ca.crt"),
    };
  };
  const sidecars = async () => (await live()).deployments.map(({ name, sidecars }) => ({ name, sidecars }));

  /** Lists the types of the resources in the state. */
  const stateTypes = async () => {
    const { stdout } = await succeed("pulumi stack export");
    const { deployment } = JSON.parse(stdout) as { deployment: { resources?: { type: string }[] } };
    return (deployment.resources ?? []).map(({ type }) => type).sort();
  };

  /** Asserts that a preview and an update fail with just this error and change nothing. */
  const assertRefused = async (error: string) => {
    const before = await live();
    const resource = `pulumi:pulumi:Stack (${await stackName()})`;
    const previewed = await shell(preview);
    assert.deepEqual({ code: previewed.code, stderr: previewed.stderr }, { code: 1, stderr: `error: ${error}\n` });
    const { code, stdout, stderr } = await shell(upAtOnce);
    assert.equal(code, 1);
    assert.deepEqual(diagnostics(stdout), [`${resource}:`, ...`  error: ${error}`.split("\n").map(indentRest)]);
    assert.equal(stderr, "");
    assert.deepEqual(await live(), before);
  };

  it("deploys by the README's commands as they are written there", async () => {
    const [, commands] = documented("README.md", "It is 3 a.m. and /dev/shm is full");
    for (const command of commands) {
      if (command !== "pulumi up") {
        await succeed(command);
        continue;
      }
      const { stdout, stderr } = await succeed(preview);
      // The provider clears its status line even if it shows none.
      assert.equal(stderr.trimEnd(), `warning: ${restart("my-outpost")}`);
      assert.match(stdout, /\nResources:\n {4}\+ 7 to create\n$/);
      assert.match((await succeed(up)).stdout, /\nResources:\n {4}\+ 7 created\n\nDuration: \d+s\n\n$/);
    }
    assert.deepEqual(await sidecars(), [
      { name: "ak-outpost-my-outpost", sidecars: ["shm-cleanup"] },
      { name: "ak-outpost-other", sidecars: [] },
    ]);
  });

  it("has nothing to do the second time, and nothing to say", async () => {
    const { stdout, stderr } = await succeed(upAtOnce);
    assert.match(stdout, /\nResources:\n {4}7 unchanged\n\nDuration: \d+s\n\n$/);
    assert.deepEqual(diagnostics(stdout), []);
    assert.equal(stderr, "");
  });

  it("prints a preview as Markdown by `npm run preview`, with what restarts, and leaves the stack's file alone", async () => {
    const inMarkdown = (stack: string) => shell(`npm run --silent preview -- --stack ${stack}`);
    assert.match((await inMarkdown("nobody")).stderr, /no stack named 'nobody' found/);
    await succeed("pulumi config set shmSize 512Mi && cp Pulumi.my-cluster.yaml ../before");
    const { stdout, stderr } = await inMarkdown("my-cluster");
    assert.match(
      stdout,
      /^#### `preview` of authentik-outpost-shm on my-cluster\n\n> ⚠ Deployment ak-outpost-my-outpost: this change restarts its pod /,
      stderr,
    );
    assert.match(stdout, /\n! +kubernetes:apps\/v1:DeploymentPatch: \(update\)\n/);
    await succeed("cmp Pulumi.my-cluster.yaml ../before && pulumi config rm shmSize");
  });

  it("previews from the state where no cluster is in reach, if the stack says so", async () => {
    await succeed(`sed 's,server: .*,server: https://127.0.0.1:9,' "$KUBECONFIG" > ../away`);
    const away = (line: string) => shell(`KUBECONFIG="$PWD/../away" ${line}`);
    await succeed("pulumi config set preflight optional && pulumi config set sweepInterval 1m");
    try {
      const { code, stdout, stderr } = await away(`${preview} --refresh=false`);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^warning: this preview has not seen the cluster \(`preflight` is optional\): .*\n$/);
      assert.match(stdout, /- SWEEP_INTERVAL_SECONDS=300\n/);
      assert.match(stdout, /\nResources:\n {4}~ 1 to update\n {4}6 unchanged\n$/);
      // The refresh comes before the program.
      const refreshed = await away(preview);
      assert.match(refreshed.stdout + refreshed.stderr, /failed to read resource state due to unreachable cluster/);
    } finally {
      await succeed("pulumi config rm preflight && pulumi config rm sweepInterval");
    }
  });

  it("refuses bad settings in one error without a stack trace", async () => {
    await succeed("pulumi config set solution sidecars && pulumi config set shmSize 256MB");
    await assertRefused(
      "2 problems in the settings:\n" +
        '  solution: "sidecars" is none of the choices (did you mean sidecar?); choose sidecar, cronjob, both or none\n' +
        '  shmSize: "256MB" is no Kubernetes quantity (did you mean 256Mi?); write e.g. 256Mi or 1Gi',
    );
    await succeed("pulumi config rm solution && pulumi config rm shmSize");
  });

  it("refuses a Deployment that goes missing, in one error, and deletes nothing of the stack", async () => {
    await succeed("pulumi config set --path 'outposts[1]' Other");
    assert.match(
      (await succeed(upAtOnce)).stdout,
      /\nResources:\n {4}\+ 3 created\n {4}\+-1 replaced\n {4}4 changes\. 6 unchanged\n/,
    );
    const before = await stateTypes();
    await deleteOutpost(kubeconfig, { namespace, name: "Other" });
    await assertRefused(
      "Nothing was changed. The cluster is not as the settings need it:\n" +
        '  - outpost "Other": there is no Deployment ak-outpost-other in namespace authentik; ' +
        "proxy outposts found there: ak-outpost-my-outpost. Correct the outpost's name or the namespace; " +
        "set the outpost's `deployment` if its name is another; or set its `solution` to none until authentik has created it. " +
        "(authentik's embedded outpost has no Deployment and needs none of this: since 2025.10 it keeps its sessions in PostgreSQL.)",
    );
    assert.deepEqual((await live()).configMaps, [
      "ak-outpost-my-outpost-shm-cleanup",
      "ak-outpost-other-shm-cleanup",
      "authentik-outpost-shm-scripts",
    ]);
    // The refresh has seen that one patch is gone. All the rest is still the stack's.
    before.splice(before.indexOf("kubernetes:apps/v1:DeploymentPatch"), 1);
    assert.deepEqual(await stateTypes(), before);
  });

  it("ends with the table of checks where verify is true, which stays on the screen", async () => {
    await createOutpost(kubeconfig, { namespace, name: "Other" });
    await succeed("pulumi config set solution cronjob && pulumi config set verify true");
    try {
      const { stdout } = await succeed(upAtOnce);
      const lines = diagnostics(stdout).map((line) => line.trim().split(/ {2,}/).slice(0, 3).join(" "));
      // Pulumi lists the resources with messages in no fixed order.
      const start = lines.indexOf("command:local:Command (outpost-shm-verify):") + 1;
      const table = lines.slice(start).filter(Boolean).slice(0, 7);
      assert.deepEqual(
        table,
        [
          "OUTPOST CHECK RESULT",
          "My Outpost sessions pass",
          "Other sessions pass",
          "CronJob schedule pass",
          "CronJob run pass",
          "CronJob rbac pass",
          "All 5 checks passed.",
        ],
        stdout,
      );
    } finally {
      await succeed("pulumi config rm verify && pulumi config rm solution");
    }
  });

  /** Resolves once the update waits for the rollout: once its own command runs, not that of a test beside this one. */
  const waitBegins = () => {
    const command = "[c]li/outpost-shm.mjs verify-update";
    const isOurs = `for pid in $(pgrep -f '${command}'); do [ /proc/$pid/cwd -ef . ] && exit; done; exit 1`;
    const begun = async () => (await shell(isOurs)).code === 0 || undefined;
    return waitUntil(begun, { what: "the wait for the rollout", timeoutMs: 120_000 });
  };

  it("keeps what is done when Ctrl-C ends the wait for a rollout, and goes on from there", async () => {
    await cordon(kubeconfig, true);
    try {
      await succeed("pulumi config set shmSize 512Mi");
      // The wait itself would last ten minutes.
      const { code, stdout, stderr } = await desk.interrupt(upAtOnce, waitBegins);
      assert.notEqual(code, 0);
      assert.match(stdout, /\^C received; cancelling[^]*\nResources:/, `${stdout}\n${stderr}`);
    } finally {
      await cordon(kubeconfig, false);
    }
    const { stdout } = await succeed(upAtOnce);
    assert.match(stdout, /\n {4}\+ 1 created\n/, stdout);
  });

  it("shows no word of a secret kubeconfig that it can't read, and keeps none", async () => {
    const broken = "apiVersion: v1\\nusers:\\n- user:\\n    token: m4rked-s3cret\\n   bad\\n";
    await succeed(`printf '${broken}' | pulumi config set --secret kubernetes:kubeconfig`);
    try {
      const previewed = await shell(preview);
      const said = [previewed];
      for (const line of [upAtOnce, "npm run --silent preview -- --stack my-cluster", "pulumi stack export"])
        said.push(await shell(line));
      assert.doesNotMatch(JSON.stringify(said), /m4rked-s3cret/);
      assert.match(previewed.stderr, /The text in kubernetes:kubeconfig is no valid kubeconfig: see its line 5\./);
      const { stdout } = await shell("grep -ls m4rked-s3cret Pulumi.*; grep -rls m4rked-s3cret ../backend");
      assert.equal(stdout, "");
    } finally {
      await succeed("pulumi config rm kubernetes:kubeconfig");
    }
  });

  it("leaves the Deployments as authentik made them after a destroy", async () => {
    const { stdout, stderr } = await succeed("pulumi destroy --yes --color never --suppress-progress");
    assert.match(stdout, /\nResources:\n {4}- 10 deleted\n/);
    assert.equal(stderr, "");
    assert.deepEqual(await stateTypes(), []);
    assert.deepEqual((await live()).configMaps, []);
    for (const name of [outpost, "Other"]) {
      const { spec } = await apps.readNamespacedDeployment({ namespace, name: outpostObjectName({ name }) });
      const { initContainers, volumes, containers } = spec!.template.spec!;
      assert.deepEqual([initContainers, volumes, containers[0].volumeMounts], [undefined, undefined, undefined]);
    }
  });

  const stackName = async () => {
    const { stdout } = await succeed("pulumi stack --show-name");
    return `authentik-outpost-shm-${stdout.trim()}`;
  };
});

const restart = (slug: string): string =>
  `Deployment ak-outpost-${slug}: this change restarts its pod (rolling update). The sessions in a restarted pod end: their users log in again.`;

/** Returns the lines under `Diagnostics:`, without their common indent. */
function diagnostics(stdout: string): string[] {
  const section = /^Diagnostics:\n((?: {2}.*\n|\n)+)/m.exec(stdout)?.[1] ?? "";
  return section
    .trimEnd()
    .split("\n")
    .filter(Boolean)
    .map((line) => line.slice(2));
}

/** Indents the further lines of a message as the CLI does. */
const indentRest = (line: string, index: number): string => (index === 0 ? line : `  ${line}`);
