// The files that `outpost-shm render` writes, applied by kubectl on a real API server: the same as by `pulumi up`, and gone again.
import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KubernetesObject, V1Deployment, V1PodTemplateSpec } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { parseAllDocuments } from "yaml";
import { repositoryRoot } from "../../../sandbox/paths";
import { documented } from "../documented";
import { openRendering, type Rendering } from "../rendering";
import { carries, podsOf, waitForRollout } from "./kubectl";
import { installOperatorKinds, operatorObjects, removeOperatorKinds } from "./operatorKinds";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

const outpost = "My Outpost";
/** Together, all settings of the unit test's table. */
const table: Record<string, Record<string, unknown>> = {
  "both, with monitoring": {
    ...{
      solution: "both",
      shmSize: "512Mi",
      sweepInterval: "10m",
      schedule: "@daily",
      authenticatedMaxAge: "hours=48",
    },
    ...{ monitoring: true, monitoringLabels: "release=prometheus" },
  },
  "both, by admission": { solution: "both", delivery: "admission", restrictExec: false },
};

type Applied = KubernetesObject & { status?: unknown };

describe("what render writes, by kubectl", () => {
  let scenario: Scenario;
  let rendering: Rendering;
  let bare: Record<string, unknown>;
  const templates: Record<string, V1PodTemplateSpec> = {};

  before(async () => {
    // The stack has the name that render takes without one: objects of the whole cluster and fields' owners have it too.
    scenario = await openScenario({ name: "render", outposts: [{ name: outpost, replicas: 2 }] });
    rendering = await openRendering("rendering", scenario.kubeconfig);
    await installOperatorKinds(scenario.kubeConfig);
    bare = await state();
  });
  after(() => removeOperatorKinds(scenario.kubeConfig));
  after(closeScenarios);

  const state = async (): Promise<Record<string, unknown>> => ({
    ...(await scenario.objects()),
    ...(await operatorObjects(scenario.kubeConfig, scenario.namespace)),
  });

  const render = (settings: Record<string, unknown>, rest: string) => {
    const flags = Object.entries(settings).map(([key, value]) => `--set ${key}='${String(value)}'`);
    const line = ["npx --no-install outpost-shm render", "-n", scenario.namespace, `"${outpost}"`, ...flags, rest];
    return rendering.shell(line.join(" "));
  };

  /** Reads objects that kubectl prints, without identity, status and the label that names the tool. */
  const objects = (line: string) => {
    const text = rendering
      .shell(line)
      .replaceAll(/("app\.kubernetes\.io\/managed-by"): ?"outpost-shm"/g, '$1:"pulumi"');
    const printed = JSON.parse(text) as Applied & { items?: Applied[] };
    return (printed.items ?? [printed]).map(({ metadata, status: _, ...rest }) => ({
      ...rest,
      name: metadata?.name,
      labels: metadata?.labels,
    }));
  };

  for (const [name, settings] of Object.entries(table)) {
    it(`changes nothing of what pulumi up made, and has no field that the API server does not know: ${name}`, async () => {
      await scenario.configure(settings);
      await scenario.stack.up();
      render(settings, "-o shm");
      const made = Object.keys(await state()).length;
      let rendered = 0;
      for (const folder of ["shm", "shm/deployments"]) {
        const live = objects(`kubectl get -k ${folder} -o json`);
        rendered += live.length;
        const owner = "--server-side --validate=strict --field-manager=authentik-outpost-shm-render";
        assert.deepEqual(objects(`kubectl apply ${owner} --dry-run=server -o json -k ${folder}`), live);
      }
      assert.equal(rendered, made);
      await waitForRollout(scenario, outpost);
      templates[name] = (await scenario.deployment(outpost)).spec!.template;
    });
  }

  it("starts from an outpost as authentik made it", async () => {
    await scenario.stack.destroy();
    await waitForRollout(scenario, outpost);
    assert.deepEqual(await state(), bare);
  });

  // The README renders first, here with other settings, and verifies last.
  const apply = documented("README.md", "Without Pulumi")[0].slice(1, -1);
  const [remove, [annotate]] = documented("docs/gitops.md", "kubectl").map((block) =>
    block.map((line) => line.replaceAll("-n authentik", "-n test-render")),
  );
  const pods = () => podsOf(scenario, "ak-outpost-my-outpost");

  for (const name of Object.keys(table)) {
    it(`gives the same pods by the README's commands, and is gone by those of docs/gitops.md: ${name}`, async () => {
      render(table[name], "-o shm");
      for (const line of apply) rendering.shell(line);
      await waitForRollout(scenario, outpost);
      assert.deepEqual((await scenario.deployment(outpost)).spec!.template, templates[name]);
      assert.deepEqual((await pods()).map(carries), [true, true]);
      for (const line of remove) rendering.shell(line);
      await waitForRollout(scenario, outpost);
      assert.deepEqual((await pods()).map(carries), [false, false]);
      rendering.shell(annotate);
      assert.deepEqual(await state(), bare);
    });
  }

  it("creates no Deployment where there is none", () => {
    rendering.shell(`npx --no-install outpost-shm render -n ${scenario.namespace} Nobody -o nobody`);
    const said = rendering.shell("! kubectl apply --server-side -k nobody/deployments 2>&1");
    assert.match(said, /^The Deployment "ak-outpost-nobody" is invalid: .*spec\.selector: Required value/s);
  });

  it("is a patch in the kustomization of anyone who applies the Deployment", () => {
    cpSync(join(repositoryRoot, "test", "fixtures", "outposts", "manual.yaml"), join(rendering.dir, "outpost.yaml"));
    const flags = `-n ${scenario.namespace} -o shm --set 'outposts=[{name: intranet, deployment: authentik-outpost}]'`;
    rendering.shell(`npx --no-install outpost-shm render ${flags}`);
    const page = readFileSync(join(repositoryRoot, "docs", "gitops.md"), "utf8");
    const [, kustomization] = /```yaml\n(resources: [^`]*)```/.exec(page)!;
    writeFileSync(join(rendering.dir, "kustomization.yaml"), `namespace: ${scenario.namespace}\n${kustomization}`);
    const built = parseAllDocuments(rendering.shell("kubectl kustomize .")).map((each) => each.toJS() as V1Deployment);
    const { containers, initContainers } = built.find(({ kind }) => kind === "Deployment")!.spec!.template.spec!;
    assert.deepEqual(
      [containers.length, containers[0].image, containers[0].volumeMounts, initContainers?.[0].name],
      [1, "ghcr.io/goauthentik/proxy", [{ name: "dshm", mountPath: "/dev/shm" }], "shm-cleanup"],
    );
  });
});
