// The component in programs of other people: the packed tarball in a TypeScript program outside the clone, and the repository as
// a component package in a YAML program, both by the ordinary `pulumi` CLI.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../../../package.json";
import { startAuthentik, type AuthentikStandIn } from "../../../sandbox/authentik";
import { clients, type Clients } from "../../../sandbox/clients";
import { outpostObjectName, untilAvailable } from "../../../sandbox/outpost";
import { repositoryRoot } from "../../../sandbox/paths";
import { consoleProgress } from "../../../sandbox/progress";
import { ensureTools } from "../../../sandbox/toolchain";
import { waitUntil } from "../../../sandbox/waitUntil";
import { openDesk, type Desk } from "../desk";
import { sharedCluster } from "./fixture";

const namespace = "package";
const context = "my-cluster";
const up = "pulumi up --yes --skip-preview --color never --suppress-progress";
const destroy = "pulumi destroy --yes --skip-preview --color never --suppress-progress";

describe("the component in other programs", () => {
  let desk: Desk;
  let apps: Clients["apps"];
  let core: Clients["core"];
  let authentik: AuthentikStandIn;

  before(async () => {
    const { kubeconfig } = await sharedCluster();
    ({ apps, core } = await clients(kubeconfig));
    authentik = await startAuthentik({ kubeconfig, namespace });
    for (const name of ["TypeScript", "YAML"]) {
      await authentik.addOutpost({ name });
      await untilAvailable(kubeconfig, { namespace, name });
    }
    const hosts = await ensureTools(["pulumi-language-yaml"], consoleProgress());
    desk = await openDesk({ name: "package", kubeconfig, context, languageHosts: Object.values(hosts) });
  });
  after(() => authentik?.stop());

  const sidecars = async (outpost: string) => {
    const name = outpostObjectName({ name: outpost });
    const { spec } = await apps.readNamespacedDeployment({ namespace, name });
    return (spec?.template.spec?.initContainers ?? []).map(({ name }) => name);
  };

  /** Brings up a program that has an outpost. */
  async function bringUp(run: Desk["succeed"], contextKey: string, outpost: string): Promise<void> {
    await run(`pulumi stack init test && pulumi config set namespace ${namespace}`);
    await run(`pulumi config set ${contextKey} ${context} && pulumi config set outpost ${outpost}`);
    const patched = `patchedDeployments: \\[\n +\\[0\\]: "${outpostObjectName({ name: outpost })}"\n`;
    assert.match((await run(up)).stdout, new RegExp(patched));
    assert.deepEqual(await sidecars(outpost), ["shm-cleanup"]);
  }

  describe("by the package from npm", () => {
    /** A folder outside the clone, whose node_modules would hide a dependency that the package lacks. */
    const folder = mkdtempSync(join(tmpdir(), "outpost-shm-package-"));
    after(() => rmSync(folder, { recursive: true, force: true }));
    const program = join(folder, "typescript");
    const inProgram = (line: string) => desk.succeed(`cd ${program} && ${line}`);

    it("has the compiled component and command, their types and scripts, and no other source", async () => {
      const { stdout } = await desk.succeed(`npm pack --json --silent --pack-destination ${folder}`);
      const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
      assert.match(filename, /^authentik-outpost-shm-\d+\.\d+\.\d+\.tgz$/);
      const paths = files.map(({ path }) => path);
      const built = ["components/index", "cli/main"].flatMap((name) => [`${name}.js`, `${name}.d.ts`]);
      const scripts = ["sweep.sh", "judge.awk", "sidecar.sh", "loader.sh", "cronjob.sh", "sweepPod.sh"].map(
        (name) => `cleaner/${name}`,
      );
      for (const path of [...built, ...scripts].map((path) => `dist/${path}`)) assert.ok(paths.includes(path), path);
      assert.deepEqual(
        paths.filter((path) => !path.startsWith("dist/")).sort(),
        // npm always packs the `main` too.
        ["CHANGELOG.md", "LICENSE", "README.md", "cli/outpost-shm.mjs", "components/main.cjs", "package.json"],
      );
    });

    it("installs into examples/typescript, whose types are right", async () => {
      cpSync(join(repositoryRoot, "examples", "typescript"), program, { recursive: true });
      await inProgram(`npm install --prefer-offline --no-audit --no-fund ${folder}/*.tgz && npx --no-install tsc`);
    });

    it("brings its command, which needs no compiler", async () => {
      const doctor = `npx --no-install outpost-shm doctor --context ${context} -n ${namespace}`;
      const { code, stdout } = await desk.shell(`cd ${program} && ${doctor}`);
      assert.match(stdout, /Deployment\/ak-outpost-typescript \(solution\)\n {2}seen: neither a sidecar/);
      assert.equal(code, 1);
      assert.equal((await inProgram("npx --no-install outpost-shm --version")).stdout, `${version}\n`);
    });

    it("gives the outpost its sidecar, and takes it back", async () => {
      await bringUp(inProgram, "context", "TypeScript");
      await inProgram(destroy);
      assert.deepEqual(await sidecars("TypeScript"), []);
    });

    it("delivers through authentik too: what is serialised of it finds the package's modules", async () => {
      const delivery = `delivery: "authentik", authentikUrl: "${authentik.url.replace(/\/$/, "")}"`;
      await inProgram(`sed -i 's|, outposts: |, ${delivery}&|; /provider: cluster/d' index.ts`);
      await inProgram(`pulumi config set kubernetes:context ${context}`);
      await inProgram(`pulumi config set --secret authentik-outpost-shm:authentikToken ${authentik.token}`);
      await inProgram(up);
      assert.deepEqual(await sidecars("TypeScript"), ["shm-cleanup"]);
      const { kubernetes_json_patches: patches } = authentik.outpost("TypeScript").config;
      assert.match(JSON.stringify(patches), /"shm-cleanup"/);
      await inProgram(destroy);
      assert.deepEqual(await sidecars("TypeScript"), []);
    });
  });

  describe("by PulumiPlugin.yaml", () => {
    const inProgram = (line: string) => desk.succeed(`cd examples/yaml && ${line}`);

    it("gives the outpost of examples/yaml its sidecar, and has nothing to do the second time", async () => {
      await bringUp(inProgram, "kubernetes:context", "YAML");
      assert.match((await inProgram(up)).stdout, /\nResources:\n {4}\d+ unchanged\n/);
    });

    it("delivers by admission too: the pod has the sidecar, and the Deployment has not", async () => {
      await inProgram("sed -i 's/^      outposts:/      delivery: admission\\n&/' Pulumi.yaml");
      await inProgram(up);
      assert.deepEqual(await sidecars("YAML"), []);
      const labelSelector = "goauthentik.io/outpost-name=yaml";
      const isSwept = async () => {
        const { items } = await core.listNamespacedPod({ namespace, labelSelector });
        return (items.length === 1 && items[0].spec?.initContainers?.[0].name === "shm-cleanup") || undefined;
      };
      await waitUntil(isSwept, { what: "the only pod to have the sidecar", timeoutMs: 30_000 });
      await inProgram(destroy);
    });

    it("refuses delivery authentik, which can't work there", async () => {
      await inProgram("sed -i 's/delivery: admission/delivery: authentik/' Pulumi.yaml");
      const { code, stdout } = await desk.shell(`cd examples/yaml && ${up}`);
      const refusal =
        "error: authentik-outpost-shm:index:OutpostShmCleanup resource 'shm' has a problem: delivery authentik works only " +
        "in a TypeScript or JavaScript program that imports the npm package; choose delivery deployment or admission\n";
      assert.ok(stdout.includes(refusal), stdout);
      assert.equal(code, 1);
    });
  });
});
