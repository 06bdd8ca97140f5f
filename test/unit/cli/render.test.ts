import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { parse, parseAllDocuments } from "yaml";
import { run } from "../../../cli/program";
import { cleanerScripts } from "../../../cleaner/scripts";
import { resolveSettings } from "../../../settings/resolve";
import { compose, ownPart } from "../../../podPatch/jsonPatch/jsonPatch";
import { podFragment } from "../../../podPatch/podFragment";
import { useTempDir } from "../tempDir";
import { fakeIo } from "./cluster";

const mark =
  "# Written by `outpost-shm render`. Render again instead of editing; docs/gitops.md says how to apply and remove it.\n";
const warning =
  "# NEVER name this to `kubectl delete`: the Deployments are authentik's, and the outposts would be down until it makes new ones.\n";
const named = (names: string[]) => `kind: Kustomization\nresources:\n${names.map((name) => `  - ${name}\n`).join("")}`;

describe("outpost-shm render", () => {
  const inDir = useTempDir();
  let dir: string;
  beforeEach(() => (dir = inDir()));

  const render = async (...args: string[]) => {
    const io = fakeIo();
    const cluster = () => Promise.reject(new Error("no cluster is needed"));
    const code = await run(["render", ...args], io, { cluster, env: {}, projectDir: dir });
    return { code, stdout: io.stdout, stderr: io.stderr };
  };
  const one = ["-n", "sso", "My Outpost"];
  const text = (path: string) => readFileSync(inDir(path), "utf8");
  const names = (path = "") => readdirSync(inDir(path)).sort();
  const patches = ["--set", "delivery=authentik", "--format", "json-patches"];

  it("writes a kustomize directory, and our parts of the Deployments into a folder of their own", async () => {
    const { code, stdout } = await render(...one, "-o", `${dir}/`);
    const apply = `kubectl apply --server-side --field-manager=authentik-outpost-shm-render -k ${dir}`;
    assert.deepEqual(
      [code, stdout],
      [
        0,
        `${dir}: 5 files, 5 of them written\nApply it with (docs/gitops.md): ${apply} && sleep 5 && ${apply}/deployments\n`,
      ],
    );
    const own = ["configmap-ak-outpost-my-outpost-shm-cleanup.yaml", "configmap-authentik-outpost-shm-scripts.yaml"];
    assert.deepEqual(names(), [...own, "deployments", "kustomization.yaml"]);
    assert.deepEqual(names("deployments"), ["ak-outpost-my-outpost.yaml", "kustomization.yaml"]);
    const list = "apiVersion: kustomize.config.k8s.io/v1beta1\n";
    const how = "# kubectl apply --server-side --field-manager=authentik-outpost-shm-render -k this folder";
    assert.equal(text("kustomization.yaml"), `${mark}${how}, then -k its folder deployments\n${list}${named(own)}`);
    assert.equal(
      text("deployments/kustomization.yaml"),
      `${mark}${how}\n${warning}${list}${named(["ak-outpost-my-outpost.yaml"])}`,
    );
    assert.equal(
      text(own[0]),
      `${mark}# The sweep settings of an outpost's sidecar, which follows a change within about a minute. No pod restarts.
apiVersion: v1
kind: ConfigMap
metadata:
  labels:
    app.kubernetes.io/component: shm-cleanup
    app.kubernetes.io/managed-by: outpost-shm
    app.kubernetes.io/name: authentik-outpost-shm
  name: ak-outpost-my-outpost-shm-cleanup
  namespace: sso
data:
  settings: |
    SWEEP_INTERVAL_SECONDS=300
    ANONYMOUS_MAX_AGE_SECONDS=86400
    AUTHENTICATED_MAX_AGE_SECONDS=86400
    HIGH_WATERMARK_PERCENT=80
    LOW_WATERMARK_PERCENT=60
`,
    );
    assert.deepEqual((parse(text(own[1])) as { data: object }).data, cleanerScripts().files);
    const deployment = text("deployments/ak-outpost-my-outpost.yaml");
    const ours = "# Our part of the Deployment, which is authentik's. For server-side apply only.\n";
    assert.ok(deployment.startsWith(`${mark}${ours}${warning}`), deployment);
    const { outposts } = resolveSettings({ namespace: "sso", outposts: ["My Outpost"] });
    assert.deepEqual((parse(deployment) as { spec: object }).spec, { template: { spec: podFragment(outposts[0]) } });
  });

  const gaveBack = `${mark}# No part of ours: applying it gives back what was applied before of the Deployment, which is authentik's. For server-side apply only.
${warning}apiVersion: apps/v1
kind: Deployment
metadata:
  name: ak-outpost-my-outpost
  namespace: sso
  annotations:
    argocd.argoproj.io/sync-options: ServerSideApply=true,Validate=false,Prune=false,Delete=false
    kustomize.toolkit.fluxcd.io/prune: disabled
    kustomize.toolkit.fluxcd.io/ssa: Merge
`;

  it("gives a Deployment back with solution none, and removes what an earlier run wrote, by name", async () => {
    writeFileSync(inDir("configmap-of-others.yaml"), "kind: ConfigMap\n");
    await render(...one, "-o", dir);
    const { stdout } = await render(...one, "--set", "solution=none", "-o", dir);
    const removed = [
      "configmap-ak-outpost-my-outpost-shm-cleanup.yaml",
      "configmap-authentik-outpost-shm-scripts.yaml",
    ];
    const apply = "kubectl apply --server-side --field-manager=authentik-outpost-shm-render";
    assert.deepEqual(stdout.split("\n"), [
      `${dir}: 3 files, 2 of them written`,
      ...removed.map((name) => `${dir}/${name}: removed, an earlier run wrote it`),
      `Apply it with (docs/gitops.md): ${apply} -k ${dir}/deployments`,
      "",
    ]);
    assert.deepEqual(names(), ["configmap-of-others.yaml", "deployments", "kustomization.yaml"]);
    assert.equal(text("deployments/ak-outpost-my-outpost.yaml"), gaveBack);
    assert.match(
      text("kustomization.yaml"),
      /\n# There is nothing to apply in this folder\.\n[^#]*\nresources: \[\]\n$/,
    );
  });

  it("keeps the file of an outpost that is left out until that has given the Deployment back", async () => {
    const all = (solution: string) => [
      ...["-n", "sso", "-o", dir, "--set"],
      `outposts=[My Outpost, {name: Other, solution: ${solution}}, {name: Third, solution: ${solution}}]`,
    ];
    await render(...all("sidecar"));
    const before = names().concat(names("deployments"));
    assert.deepEqual(await render(...one, "--set", "sweepInterval=1h", "-o", dir), {
      code: 2,
      stdout: "",
      stderr:
        `error: ${dir}: Deployment ak-outpost-other, Deployment ak-outpost-third: only its file gives back what was applied, so nothing was ` +
        "changed; render its outpost once more with `solution: none`, apply that, then leave it out (docs/gitops.md), or delete a file that " +
        "was never applied or whose Deployment is gone\n",
    });
    assert.deepEqual(names().concat(names("deployments")), before);
    assert.match(text("configmap-ak-outpost-my-outpost-shm-cleanup.yaml"), /SWEEP_INTERVAL_SECONDS=300\n/);
    assert.equal((await render(...all("none"))).code, 0);
    const { code, stdout } = await render(...one, "-o", dir);
    const removed = (name: string) => `${dir}/deployments/ak-outpost-${name}.yaml: removed, an earlier run wrote it`;
    assert.deepEqual([code, ...stdout.split("\n").slice(1, 3)], [0, removed("other"), removed("third")]);
    assert.deepEqual(names("deployments"), ["ak-outpost-my-outpost.yaml", "kustomization.yaml"]);
  });

  it("has a file for each object of each solution, delivery and part, none of which names Pulumi", async () => {
    const settings = ["solution=both", "delivery=admission", "monitoring=true", "monitoringLabels=release=kps"];
    await render(...one, ...settings.flatMap((each) => ["--set", each]), "-o", dir);
    assert.deepEqual(names(), [
      "configmap-ak-outpost-my-outpost-shm-cleanup.yaml",
      "configmap-authentik-outpost-shm-dashboard.yaml",
      "configmap-authentik-outpost-shm-scripts.yaml",
      "cronjob-authentik-outpost-shm-cleanup.yaml",
      "deployments",
      "kustomization.yaml",
      "mutatingadmissionpolicy-authentik-outpost-shm.render.sso.yaml",
      "mutatingadmissionpolicybinding-authentik-outpost-shm-recreated.render.sso.yaml",
      "mutatingadmissionpolicybinding-authentik-outpost-shm-rollout.render.sso.yaml",
      "podmonitor-authentik-outpost-shm.yaml",
      "prometheusrule-authentik-outpost-shm.yaml",
      "role-authentik-outpost-shm-cleanup.yaml",
      "rolebinding-authentik-outpost-shm-cleanup.yaml",
      "serviceaccount-authentik-outpost-shm-cleanup.yaml",
      "validatingadmissionpolicy-authentik-outpost-shm-cleanup-sso.yaml",
      "validatingadmissionpolicybinding-authentik-outpost-shm-cleanup-sso.yaml",
    ]);
    for (const name of names().filter((name) => name.endsWith(".yaml"))) {
      assert.doesNotMatch(text(name), /pulumi/i, name);
      assert.match(text(name), /^# .*\n# [^\n]+[^d]\napiVersion: /, name);
    }
    assert.match(
      text("deployments/ak-outpost-my-outpost.yaml"),
      /\n {8}authentik-outpost-shm\/revision: [0-9a-f]{16}\n$/,
    );
  });

  it("gives the same bytes for the same settings, and shows the difference to others", async () => {
    await render(...one, "-o", dir);
    const again = await render(...one, "--check", dir);
    assert.deepEqual(again, { code: 0, stdout: `${dir} is what these settings render.\n`, stderr: "" });
    rmSync(inDir("configmap-authentik-outpost-shm-scripts.yaml"));
    writeFileSync(inDir("role-old.yaml"), `${mark}kind: Role\n`);
    writeFileSync(inDir("notes.yaml"), "of: others\n");
    const before = text("configmap-ak-outpost-my-outpost-shm-cleanup.yaml");
    assert.deepEqual(await render(...one, "--set", "sweepInterval=1h", "--set", "highWatermark=90", "--check", dir), {
      code: 1,
      stdout: `${dir}/configmap-authentik-outpost-shm-scripts.yaml: missing
${dir}/role-old.yaml: extra, an earlier run wrote it
${dir}/configmap-ak-outpost-my-outpost-shm-cleanup.yaml: changed
@@ line 14 @@
-    SWEEP_INTERVAL_SECONDS=300
-    ANONYMOUS_MAX_AGE_SECONDS=86400
-    AUTHENTICATED_MAX_AGE_SECONDS=86400
-    HIGH_WATERMARK_PERCENT=80
+    SWEEP_INTERVAL_SECONDS=3600
+    ANONYMOUS_MAX_AGE_SECONDS=86400
+    AUTHENTICATED_MAX_AGE_SECONDS=86400
+    HIGH_WATERMARK_PERCENT=90
`,
      stderr: "",
    });
    assert.equal(text("configmap-ak-outpost-my-outpost-shm-cleanup.yaml"), before);
  });

  it("replaces no file of others", async () => {
    writeFileSync(inDir("kustomization.yaml"), "resources: []\n");
    const { code, stderr } = await render(...one, "-o", dir);
    assert.equal(code, 2);
    assert.equal(
      stderr,
      `error: ${dir}: kustomization.yaml: not written by \`outpost-shm render\`, so nothing was changed; name another folder\n`,
    );
    assert.deepEqual(names(), ["kustomization.yaml"]);
    assert.equal(text("kustomization.yaml"), "resources: []\n");
  });

  it("prints our own objects, without the Deployments, which have a form of their own", async () => {
    const kinds = (stream: string) =>
      parseAllDocuments(stream).map(
        (document) => `${String(document.get("kind"))} ${String(document.getIn(["metadata", "name"]))}`,
      );
    assert.deepEqual(kinds((await render(...one)).stdout), [
      "ConfigMap ak-outpost-my-outpost-shm-cleanup",
      "ConfigMap authentik-outpost-shm-scripts",
    ]);
    const { stdout } = await render(...one, "--format", "deployments", "--set", "solution=none");
    assert.equal(stdout, `---\n${gaveBack.slice(mark.length)}`);
  });

  it("takes the settings of a stack, and its name for objects of the whole cluster", async () => {
    const config = ["namespace: sso", "outposts: [{ name: Other, solution: both }]", "delivery: admission"];
    const lines = config.map((line) => `  authentik-outpost-shm:${line}\n`).join("");
    writeFileSync(inDir("Pulumi.prod.yaml"), `config:\n${lines}`);
    await render("--stack", "acme/x/prod", "--set", "restrictExec=false", "-o", inDir("out"));
    assert.ok(existsSync(inDir("out", "mutatingadmissionpolicy-authentik-outpost-shm.prod.sso.yaml")));
    assert.equal(names("out").length, 11);
    assert.match(
      (await render("--stack", "prod", "-n", "other")).stderr,
      /^error: --namespace is "other", and stack prod pins "sso"/,
    );
  });

  describe("JSON patches", () => {
    const { outposts } = resolveSettings({ namespace: "sso", outposts: ["My Outpost"] });
    const { operations } = compose([], ownPart(podFragment(outposts[0])));
    const comment =
      '# For the config of outpost "My Outpost". The sidecar\'s scripts and settings are in ConfigMaps: `outpost-shm render -o`.\n';

    it("are YAML for the Admin UI", async () => {
      const { code, stdout } = await render(...one, ...patches);
      const first =
        "kubernetes_json_patches:\n  deployment:\n    - op: add\n      path: /spec/template/spec/volumes\n      value:\n        - name: dshm\n";
      assert.equal(code, 0);
      assert.ok(stdout.startsWith(`${comment}${first}`), stdout);
      assert.deepEqual(parse(stdout), { kubernetes_json_patches: { deployment: operations } });
    });

    it("are JSON by outpost for programs", async () => {
      const { stdout } = await render(...one, ...patches, "--syntax", "json");
      assert.equal(stdout, `${JSON.stringify({ "My Outpost": operations }, null, 2)}\n`);
    });

    it("are HCL for Terraform, whose templates no script of ours is", async () => {
      const { stdout } = await render(...one, ...patches, "--syntax", "hcl");
      const first =
        'kubernetes_json_patches = {\n  deployment = [\n    {\n      op = "add",\n      path = "/spec/template/spec/volumes",\n      value = [\n        {\n          name = "dshm",\n';
      assert.ok(stdout.startsWith(`${comment}${first}`), stdout);
      assert.match(stdout, /\$\$\{METRICS_DIR:\?\}/);
      assert.doesNotMatch(stdout, /(?<![$%])[$%]\{/);
    });

    it("leave the ConfigMaps to the directory, and the Deployment to authentik", async () => {
      await render(...one, "--set", "delivery=authentik", "-o", dir);
      assert.deepEqual(names(), [
        "configmap-ak-outpost-my-outpost-shm-cleanup.yaml",
        "configmap-authentik-outpost-shm-scripts.yaml",
        "deployments",
        "kustomization.yaml",
      ]);
      assert.equal(text("deployments/ak-outpost-my-outpost.yaml"), gaveBack);
    });
  });

  const how = "\nHere settings are given by --set KEY=VALUE, or by the file of --stack.";
  const refusals: Record<string, [args: string[], message: string]> = {
    "all mistakes in the settings": [
      ["One", "--set", "shmSize=64", "--set", "solution=side"],
      `3 problems in the settings:\n  namespace: missing; name the outposts' namespace with: pulumi config set namespace authentik\n` +
        `  solution: "side" is none of the choices; choose sidecar, cronjob, both or none\n  shmSize: "64" has no unit; write e.g. 256Mi or 1Gi${how}`,
    ],
    "a setting without a value": [
      [...one, "--set", "x"],
      '--set "x": write it as key=value, with a key of docs/settings.md',
    ],
    "a list that is no YAML": [
      ["--set", "outposts=[{name"],
      "--set outposts: its list or object is no valid YAML, e.g. 'outposts=[{name: My Outpost, shmSize: 1Gi}]'",
    ],
    "outposts by name and by setting": [
      [...one, "--set", "outposts=[Two]"],
      "the outposts are given twice: by name, and by --stack or --set outposts",
    ],
    "two folders": [[...one, "-o", "a", "--check", "b"], "give either --output or --check"],
    "a folder of JSON patches": [
      [...one, ...patches, "-o", "a"],
      "--format json-patches goes to stdout: leave out --output",
    ],
    "JSON patches beside another delivery": [
      [...one, "--format", "json-patches"],
      "no outpost has a sidecar and `delivery: authentik`: add --set delivery=authentik",
    ],
    "a container that authentik does not name so": [
      [...one, ...patches, "--set", "container=other"],
      `1 problem in the settings:\n  outposts[0].container: "other" is not proxy, as authentik names it in the Deployments that delivery authentik is for; take it out, or set delivery to deployment${how}`,
    ],
  };
  for (const [why, [args, message]] of Object.entries(refusals)) {
    it(`refuses ${why}`, async () => {
      assert.deepEqual(await render(...args), { code: 2, stdout: "", stderr: `error: ${message}\n` });
    });
  }
});
