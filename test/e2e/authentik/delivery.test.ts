// `delivery: authentik` through the real engine, Pulumi's own host of dynamic resources and a real API server. authentik is the
// stand-in of sandbox/authentik; reconciler.test.ts holds its reconciler to the real one's behaviour.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { ownersOf } from "../../../kubernetes/fieldOwners";
import type { OutpostConfig } from "../../../sandbox/authentik";
import { editOperations, pastedPatch, writesAtRest } from "../../../sandbox/authentik/adminUi";
import type { Report } from "../../../sandbox/engine";
import { sidecarFields } from "../../../podPatch/takenFields";
import { failed, plain, revision, warnings } from "../cluster/harness";
import { closeScenarios, openScenario, type Scenario } from "../cluster/scenario";

const jsonPatchType = "pulumi-nodejs:dynamic/authentik-outpost-shm:OutpostJsonPatch";
const podSpec = "/spec/template/spec";
const throughAuthentik = { delivery: "authentik" };

const dshm = { name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "512Mi" } };
const dshmMount = { name: "dshm", mountPath: "/dev/shm" };
const pastedVolume = { op: "add", path: `${podSpec}/volumes/-`, value: dshm };
const classic = pastedPatch("512Mi");
const others = [
  { op: "add", path: `${podSpec}/volumes`, value: [{ name: "cert", emptyDir: {} }] },
  { op: "add", path: "/spec/progressDeadlineSeconds", value: 300 },
];

const restart =
  "Deployment ak-outpost-main: this change restarts its pod (rolling update). The sessions in a restarted pod end: their users log in again.";
const changes = (...lines: string[]): string =>
  [
    'outpost "main": kubernetes_json_patches.deployment in authentik changes:',
    ...lines.map((line) => `    ${line}`),
  ].join("\n");
const added = changes(
  "+ add /spec/template/spec/volumes (dshm, shm-cleanup-settings, shm-cleanup-run, shm-cleanup-scripts)",
  '+ add /spec/template/spec/containers/0/volumeMounts [{"name":"dshm","mountPath":"/dev/shm"}]',
  "+ add /spec/template/spec/initContainers (shm-cleanup)",
);

/** Returns what an update did to the resource of this type, apart from its refresh before. */
const operationOn = (type: string, { steps }: Report): string | undefined =>
  steps.filter((step) => step.type === type).at(-1)?.op;

/** Returns the names in each list of the live Deployment. */
async function namesIn(scenario: Scenario): Promise<Record<"volumes" | "containers" | "initContainers", string[]>> {
  const { spec } = await scenario.deployment("main");
  const { volumes = [], containers, initContainers = [] } = spec!.template.spec!;
  const names = (list: { name: string }[]) => list.map(({ name }) => name);
  return { volumes: names(volumes), containers: names(containers), initContainers: names(initContainers) };
}
const withSidecar = {
  volumes: ["dshm", "shm-cleanup-settings", "shm-cleanup-run", "shm-cleanup-scripts"],
  containers: ["proxy"],
  initContainers: ["shm-cleanup"],
};
const without = { volumes: [], containers: ["proxy"], initContainers: [] };

/** Lists everyone who owns a field of the sidecar on the live Deployment. */
async function sidecarOwners(scenario: Scenario): Promise<string[]> {
  const { metadata } = await scenario.deployment("main");
  return [...new Set(sidecarFields("proxy").flatMap(({ path }) => ownersOf(path, metadata?.managedFields ?? [])))];
}

const configOf = ({ authentik }: Scenario): OutpostConfig => authentik.outpost("main").config;

describe("delivery through authentik", () => {
  after(closeScenarios);

  describe("from nothing and back", () => {
    let scenario: Scenario;
    let pristine: { config: OutpostConfig; deployment: V1Deployment };
    const printed: string[] = [];

    before(async () => {
      scenario = await openScenario({ name: "authentik", authentik: true, config: throughAuthentik });
      pristine = structuredClone({ config: configOf(scenario), deployment: await scenario.deployment("main") });
    });

    it("previews what changes in authentik and which pods restart, and changes nothing", async () => {
      const preview = await scenario.stack.preview({ diff: true });
      printed.push(preview.stdout);
      assert.deepEqual(warnings(preview), [added, restart]);
      assert.match(
        preview.stdout,
        /OutpostJsonPatch: \(create\)[^]*operations {2}: \[\n +\[0\]: \{\n +op {3}: "add"\n +path : "\/spec\/template\/spec\/volumes\/-"/,
      );
      assert.deepEqual(configOf(scenario), pristine.config);
      assert.deepEqual(scenario.authentik.writes, { created: 1, patched: 0, recreated: 0 });
    });

    it("fails with the one permission that is missing, and leaves config and Deployment as they were", async () => {
      scenario.authentik.misbehave({ status: 403 }, { method: "PATCH" });
      const { message, report } = await failed(scenario.stack.up());
      scenario.authentik.behave();
      printed.push(report.stdout);
      assert.match(message, /authentik lets the token's user not change outposts, HTTP 403 .*change_outpost/);
      assert.deepEqual(configOf(scenario), pristine.config);
      assert.deepEqual(plain((await scenario.deployment("main")).spec), plain(pristine.deployment.spec));
    });

    it("has authentik write it once, waits for the rollout, and is at rest then", async () => {
      const up = await scenario.stack.up();
      printed.push(up.stdout);
      assert.equal(operationOn(jsonPatchType, up), "create");
      assert.deepEqual(up.outputs.patchedDeployments, { value: ["ak-outpost-main"], secret: false });
      const { status } = await scenario.deployment("main");
      assert.deepEqual([status?.updatedReplicas, status?.availableReplicas, status?.replicas], [1, 1, 1]);
      assert.deepEqual(scenario.authentik.writes, { created: 1, patched: 1, recreated: 0 });
      assert.deepEqual(await namesIn(scenario), withSidecar);
      assert.deepEqual(await sidecarOwners(scenario), ["goauthentik.io"]);
      assert.equal(await writesAtRest(scenario.authentik), 0);
    });

    it("changes the sweep's settings without a word to authentik", async () => {
      const { requests } = scenario.authentik;
      await scenario.configure({ ...throughAuthentik, sweepInterval: "90s" });
      const from = requests.length;
      assert.deepEqual(warnings(await scenario.stack.up()), []);
      assert.deepEqual(
        requests.slice(from).filter(({ method }) => method !== "GET"),
        [],
      );
    });

    it("says that our part has vanished once Terraform has written a config without it, and puts it back without a restart", async () => {
      await scenario.authentik.edit("main", (config) => ({ ...config, kubernetes_json_patches: null }), "terraform");
      const before = await scenario.deployment("main");
      const said = warnings(await scenario.stack.up());
      const vanished =
        /^outpost "main": our part has vanished .*; by authentik's event log, terraform changed the outpost last\. /;
      assert.ok(
        said.some((warning) => vanished.test(warning)),
        said.join("\n"),
      );
      assert.deepEqual((await scenario.deployment("main")).spec, before.spec);
      assert.notEqual(configOf(scenario).kubernetes_json_patches, null);
    });

    it("notices an edit in the Admin UI at a refresh, shows it, and mends it", async () => {
      await editOperations(scenario.authentik, "main", (operations) => {
        const edited = JSON.stringify(operations).replace('"sizeLimit":"256Mi"', '"sizeLimit":"64Mi"');
        return JSON.parse(edited) as object[];
      });
      const preview = await scenario.stack.preview({ diff: true });
      assert.match(preview.stdout, /~ sizeLimit: "64Mi" => "256Mi"/);
      assert.deepEqual(warnings(preview), [
        changes('~ /spec/template/spec/volumes dshm.emptyDir.sizeLimit: "64Mi" => "256Mi"'),
        restart,
      ]);
      assert.equal(operationOn(jsonPatchType, await scenario.stack.up()), "update");
      const [first] = configOf(scenario).kubernetes_json_patches!.deployment;
      assert.equal((first.value as (typeof dshm)[])[0].emptyDir.sizeLimit, "256Mi");
      assert.equal(await writesAtRest(scenario.authentik), 0);
    });

    it("has the token in no state, log or diff", () => {
      const { token } = scenario.authentik;
      const backend = scenario.stack.env.PULUMI_BACKEND_URL.replace("file://", "");
      const state = readFileSync(join(backend, ".pulumi/stacks/authentik-outpost-shm/authentik.json"), "utf8");
      assert.ok(state.includes(jsonPatchType));
      for (const text of [state, ...printed]) assert.ok(!text.includes(token));
    });

    it("moves to the other delivery and back, with one rollout where more changes at once, to one owner", async () => {
      for (const [delivery, shmSize, owner] of [
        ["deployment", "512Mi", "authentik-outpost-shm-authentik"],
        ["authentik", "1Gi", "goauthentik.io"],
      ]) {
        const before = revision(await scenario.deployment("main"));
        await scenario.configure({ delivery, shmSize });
        await scenario.stack.up();
        const live = await scenario.deployment("main");
        assert.equal(revision(live), before + 1);
        assert.equal(live.spec!.template.spec!.volumes![0].emptyDir?.sizeLimit, shmSize);
        assert.deepEqual(await namesIn(scenario), withSidecar);
        assert.deepEqual(await sidecarOwners(scenario), [owner]);
        assert.equal(await writesAtRest(scenario.authentik), 0);
      }
    });

    it("takes all of it back with one rollout, and leaves no trace", async () => {
      const before = revision(await scenario.deployment("main"));
      await scenario.configure({ ...throughAuthentik, solution: "none" });
      assert.deepEqual(warnings(await scenario.stack.up()), [added.replaceAll("+ ", "- "), restart]);
      assert.deepEqual(configOf(scenario), pristine.config);
      const { spec } = await scenario.deployment("main");
      assert.deepEqual(plain(spec!.template.spec), plain(pristine.deployment.spec!.template.spec));
      assert.equal(revision(await scenario.deployment("main")), before + 1);
      assert.deepEqual(await sidecarOwners(scenario), []);
      assert.equal(await writesAtRest(scenario.authentik), 0);
    });
  });

  describe("where a patch was pasted by hand", () => {
    const config = { ...throughAuthentik, shmSize: "512Mi" };
    const beside = { ...withSidecar, volumes: ["cert", ...withSidecar.volumes] };
    let scenario: Scenario;
    before(async () => {
      scenario = await openScenario({ name: "adopts", authentik: true, config });
      await editOperations(scenario.authentik, "main", () => [...others, ...classic.slice(1), pastedVolume]);
    });

    it("replaces it with one rollout, doubles nothing, says so, and authentik comes to rest", async () => {
      const before = revision(await scenario.deployment("main"));
      assert.deepEqual(warnings(await scenario.stack.up()).slice(1), [
        'outpost "main": the patch pasted by hand is taken over: ours replaces its volume dshm, mount /dev/shm, container shm-cleanup.',
        restart,
      ]);
      assert.deepEqual(await namesIn(scenario), beside);
      assert.equal(revision(await scenario.deployment("main")), before + 1);
      // One of the writes may change nothing: it sends others' whole list of volumes, while ours are in neither place.
      assert.equal(scenario.authentik.writes.recreated, 0);
      assert.equal(await writesAtRest(scenario.authentik), 0);
      assert.deepEqual(await sidecarOwners(scenario), ["goauthentik.io"]);
    });

    it("gives back what others had", async () => {
      await scenario.stack.destroy();
      assert.deepEqual(configOf(scenario).kubernetes_json_patches, { deployment: others });
      assert.deepEqual(await namesIn(scenario), { ...without, volumes: ["cert"] });
    });

    it("replaces a native sidecar that was pasted, with nothing of it left", async () => {
      const pasted = {
        name: "shm-cleanup",
        image: "busybox:1.36",
        command: ["sh", "-c"],
        args: ["sleep 1d"],
        env: [{ name: "THEIRS", value: "1" }],
        workingDir: "/tmp",
        volumeMounts: [dshmMount],
        restartPolicy: "Always",
      };
      const added = { op: "add", path: `${podSpec}/initContainers`, value: [pasted] };
      await editOperations(scenario.authentik, "main", () => [...others, classic[1], pastedVolume, added]);
      const before = revision(await scenario.deployment("main"));
      await scenario.stack.up();
      assert.deepEqual(await namesIn(scenario), beside);
      const [sidecar] = (await scenario.deployment("main")).spec!.template.spec!.initContainers!;
      assert.deepEqual([sidecar.args, sidecar.workingDir], [undefined, undefined]);
      assert.deepEqual(
        sidecar.env!.map(({ name }) => name),
        ["SHM_DIR", "SETTINGS_FILE", "SCRIPTS_DIR", "METRICS_DIR"],
      );
      assert.equal(revision(await scenario.deployment("main")), before + 1);
      assert.equal(await writesAtRest(scenario.authentik), 0);
      assert.equal(scenario.authentik.writes.recreated, 0);
    });
  });

  it("serves several outposts of one authentik at the same time", async () => {
    const names = ["main", "second", "third"];
    const outposts = names.map((name) => ({ name }));
    const scenario = await openScenario({ name: "several", authentik: true, outposts, config: throughAuthentik });
    await scenario.stack.up();
    for (const name of names)
      assert.equal(scenario.authentik.outpost(name).config.kubernetes_json_patches?.deployment.length, 3);
    assert.deepEqual(scenario.authentik.writes, { created: 3, patched: 3, recreated: 0 });
    await scenario.stack.destroy();
    for (const name of names) assert.equal(scenario.authentik.outpost(name).config.kubernetes_json_patches, null);
  });
});
