// The exported program through the real engine on a real API server: owners of fields, previews, repairs, and what survives of
// others' changes.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { deleteOutpost } from "../../../sandbox/outpost";
import type { Report } from "../../../sandbox/engine";
import { repositoryRoot } from "../../../sandbox/paths";
import { awaited, changedTypes, plain, problemsOf, values, warnings } from "./harness";
import { patchPodSpec, podNames, waitForRollout } from "./kubectl";
import { closeScenarios, openScenario, owners, type Scenario } from "./scenario";

const deploymentName = "ak-outpost-main";
const restartWarning = (pods: string): string =>
  `Deployment ${deploymentName}: this change restarts ${pods} (rolling update). The sessions in a restarted pod end: their users log in again.`;
const managers = ({ metadata }: V1Deployment): string[] => Object.keys(owners(metadata?.managedFields ?? [])).sort();

describe("the program on a cluster", () => {
  after(closeScenarios);

  describe("with the sidecar", () => {
    let scenario: Scenario;
    let pristine: V1Deployment;
    let previewed: string[];
    const template = async () => (await scenario.deployment("main")).spec!.template.spec!;
    /** Asserts that the report has a new size of the volume, the wait for the rollout, and nothing else. */
    const assertOneField = (report: Report) => {
      assert.deepEqual(changedTypes(report), [...awaited, "update kubernetes:apps/v1:DeploymentPatch"]);
      const patch = report.steps.find(({ op, type }) => op === "update" && type.endsWith("DeploymentPatch"));
      assert.deepEqual(patch?.diffs, ["spec.template.spec.volumes[0].emptyDir.sizeLimit"]);
    };

    before(async () => {
      scenario = await openScenario({ name: "sidecar", outposts: [{ name: "main", replicas: 2 }] });
      pristine = await scenario.deployment("main");
    });

    it("previews exactly what it will do, and which pods restart; and does nothing", async () => {
      const report = await scenario.stack.preview({ diff: true });
      previewed = changedTypes(report);
      assert.deepEqual(previewed, [
        "create authentik-outpost-shm:index:OutpostShmCleanup",
        "create authentik-outpost-shm:index:SidecarPatch",
        "create command:local:Command",
        "create kubernetes:apps/v1:DeploymentPatch",
        "create kubernetes:core/v1:ConfigMap",
        "create pulumi:pulumi:Stack",
      ]);
      assert.deepEqual(warnings(report), [restartWarning("its 2 pods")]);
      // The rich diff in comments on pull requests drops warnings, so there it is an output.
      const notices = `notices           : [\n        [0]: "${restartWarning("its 2 pods")}"`;
      assert.ok(report.stdout.includes(notices), report.stdout);
      assert.deepEqual((await scenario.deployment("main")).metadata, pristine.metadata);
      assert.deepEqual(Object.keys(await scenario.objects()), [`Deployment/${deploymentName}`]);
    });

    it("patches the Deployment and tells what it made", async () => {
      const report = await scenario.stack.up();
      assert.deepEqual(changedTypes(report), previewed);
      assert.deepEqual(values(report.outputs), {
        solutions: { main: "sidecar" },
        patchedDeployments: [deploymentName],
        cronJobs: [],
      });
      const spec = await template();
      assert.deepEqual(
        spec.containers.map(({ name }) => name),
        ["proxy"],
      );
      assert.deepEqual(plain(spec.containers[0].volumeMounts), [{ name: "dshm", mountPath: "/dev/shm" }]);
      assert.deepEqual(
        spec.initContainers?.map(({ name, restartPolicy }) => ({ name, restartPolicy })),
        [{ name: "shm-cleanup", restartPolicy: "Always" }],
      );
      assert.deepEqual(plain(spec.volumes?.[0]), { name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "256Mi" } });
      await waitForRollout(scenario, "main");
    });

    it("leaves authentik the owner of all that it owned, and owns just the fragment itself", async () => {
      const live = await scenario.deployment("main");
      assert.deepEqual(managers(live), ["authentik-outpost-shm-sidecar", "goauthentik.io"]);
      const now = owners(live.metadata!.managedFields!);
      assert.deepEqual(now["goauthentik.io"], owners(pristine.metadata!.managedFields!)["goauthentik.io"]);
      const ours = now["authentik-outpost-shm-sidecar"] as Record<string, Record<string, unknown>>;
      assert.deepEqual(Object.keys(ours).sort(), ["f:metadata", "f:spec"]);
      assert.deepEqual(ours["f:metadata"], {
        "f:annotations": {
          "f:pulumi.com/patchFieldManager": {},
          "f:pulumi.com/patchForce": {},
          "f:pulumi.com/skipAwait": {},
        },
      });
      const podSpec = (ours["f:spec"] as { "f:template": { "f:spec": Record<string, Record<string, unknown>> } })[
        "f:template"
      ]["f:spec"];
      assert.deepEqual(Object.keys(podSpec).sort(), ["f:containers", "f:initContainers", "f:volumes"]);
      assert.deepEqual(podSpec["f:containers"], {
        'k:{"name":"proxy"}': {
          ".": {},
          "f:name": {},
          "f:volumeMounts": { 'k:{"mountPath":"/dev/shm"}': { ".": {}, "f:mountPath": {}, "f:name": {} } },
        },
      });
      assert.deepEqual(live.metadata?.labels, pristine.metadata?.labels);
    });

    it("changes the sweep's settings without restarting a pod", async () => {
      const pods = await podNames(scenario);
      await scenario.configure({ anonymousMaxAge: "30m", sweepInterval: "30s" });
      const report = await scenario.stack.up();
      assert.deepEqual(changedTypes(report), ["update kubernetes:core/v1:ConfigMap"]);
      assert.deepEqual(warnings(report), []);
      assert.deepEqual(await podNames(scenario), pods);
    });

    it("restarts the pods for a larger /dev/shm, says so and shows the one field", async () => {
      await scenario.configure({ anonymousMaxAge: "30m", sweepInterval: "30s", shmSize: "512Mi" });
      const pods = await podNames(scenario);
      const report = await scenario.stack.up();
      assertOneField(report);
      assert.deepEqual(warnings(report), [restartWarning("its 2 pods")]);
      await waitForRollout(scenario, "main");
      assert.deepEqual(
        (await podNames(scenario)).filter((name) => pods.includes(name)),
        [],
      );
    });

    it("notices an edit by hand, and mends it", async () => {
      const sizeLimit = async () => (await template()).volumes?.[0].emptyDir?.sizeLimit;
      const volumes = [{ name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "64Mi" } }];
      await patchPodSpec(scenario, "main", "kubectl-edit", { volumes });
      assert.equal(await sizeLimit(), "64Mi");
      assertOneField(await scenario.stack.up());
      assert.equal(await sizeLimit(), "512Mi");
      assert.deepEqual(changedTypes(await scenario.stack.up()), []);
    });

    it("leaves a stranger's sidecar and volume alone, also when it goes", async () => {
      await patchPodSpec(scenario, "main", "mesh-injector", {
        containers: [
          { name: "mesh", image: "example.com/mesh:1", volumeMounts: [{ name: "mesh-data", mountPath: "/data" }] },
        ],
        volumes: [{ name: "mesh-data", emptyDir: {} }],
        "$setElementOrder/containers": [{ name: "proxy" }, { name: "mesh" }],
      });
      await scenario.stack.up();
      const containers = (await template()).containers.map(({ name }) => name);
      assert.equal(containers[0], "proxy");
      assert.deepEqual(containers.sort(), ["mesh", "proxy"]);
      await scenario.configure({ solution: "none" });
      const report = await scenario.stack.up();
      assert.deepEqual(changedTypes(report), [
        "delete authentik-outpost-shm:index:SidecarPatch",
        "delete command:local:Command",
        "delete kubernetes:apps/v1:DeploymentPatch",
        "delete kubernetes:core/v1:ConfigMap",
      ]);
      assert.deepEqual(warnings(report), [restartWarning("its 2 pods")]);
      const left = await template();
      assert.deepEqual(
        left.containers.map(({ name }) => name),
        ["proxy", "mesh"],
      );
      assert.deepEqual(
        left.volumes?.map(({ name }) => name),
        ["mesh-data"],
      );
      assert.deepEqual(managers(await scenario.deployment("main")), ["goauthentik.io", "mesh-injector"]);
      assert.ok(!existsSync(join(repositoryRoot, "Pulumi.sidecar.yaml")), "the sandbox writes into the clone");
    });
  });

  it("restarts the pods of an outpost that leaves the list, and says so, and forgets one that authentik has deleted", async () => {
    const outposts = ["main", "other", "deleted"].map((name) => ({ name }));
    const scenario = await openScenario({ name: "leaving", outposts });
    await scenario.stack.up();
    await deleteOutpost(scenario.kubeconfig, { namespace: scenario.namespace, name: "deleted" });
    await scenario.configure({ outposts: ["other"] });
    const report = await scenario.stack.up();
    assert.deepEqual(warnings(report), [restartWarning("its pod")]);
    assert.deepEqual(managers(await scenario.deployment("main")), ["goauthentik.io"]);
    assert.deepEqual(managers(await scenario.deployment("other")), ["authentik-outpost-shm-leaving", "goauthentik.io"]);
    assert.deepEqual(Object.keys(await scenario.objects()).sort(), [
      "ConfigMap/ak-outpost-other-shm-cleanup",
      "ConfigMap/authentik-outpost-shm-scripts",
      "Deployment/ak-outpost-main",
      "Deployment/ak-outpost-other",
    ]);
  });

  it("refuses a schedule, a time zone, labels and annotations that Kubernetes does not have, in the API server's words", async () => {
    const { kubeconfig, namespace } = await openScenario({ name: "grammar" });
    const monitoring = { monitoring: true, podMonitor: false, alerts: false };
    const refused = (changes: Record<string, unknown>) =>
      problemsOf(kubeconfig, "grammar", {
        namespace,
        outposts: ["main"],
        solution: "cronjob",
        ...monitoring,
        ...changes,
      });
    const schedules = {
      "0 0 * * * *": /expected exactly 5 fields, found 6/,
      "60 * * * *": /end of range \(60\) above maximum \(59\)/,
      "TZ=UTC 0 * * * *": /cannot use TZ or CRON_TZ/,
    };
    for (const [schedule, reason] of Object.entries(schedules)) {
      const [problem, ...others] = await refused({ schedule });
      assert.deepEqual(others, []);
      assert.match(problem, /^schedule: the API server would not take it: CronJob\.batch .* spec\.schedule: /);
      assert.match(problem, reason);
    }
    const problems = await refused({
      ...{ timeZone: "Europa/Berlin", cronJobPodLabels: "a/b/c=d", cronJobPodAnnotations: "a b=c" },
      monitoringLabels: "a/b/c=d",
    });
    const said = [
      /^timeZone: .* spec\.timeZone: Invalid value: "Europa\/Berlin": unknown time zone/,
      /^cronJobPodLabels: .* spec\.jobTemplate\.spec\.template\.labels: Invalid value: "a\/b\/c"/,
      /^cronJobPodAnnotations: .* spec\.jobTemplate\.spec\.template\.annotations: Invalid value: "a b"/,
      /^monitoringLabels: .* metadata\.labels: Invalid value: "a\/b\/c"/,
    ];
    assert.equal(problems.length, said.length);
    for (const [index, problem] of problems.entries()) assert.match(problem, said[index]);
  });
});
