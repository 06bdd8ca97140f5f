// Delivery by admission on a real API server: which pods get the sidecar, when, and what happens where the policy is at fault.
import assert from "node:assert/strict";
import type { V1Pod, V1PodSpec, V2HorizontalPodAutoscaler } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { createOutpost, deleteOutpost } from "../../../sandbox/outpost";
import { waitUntil } from "../../../sandbox/waitUntil";
import { isDeployment, manualOutpost } from "../../fixtures/outposts";
import { untilUnlabelledAdmitted } from "../unlabelledPods";
import { AdmissionScene } from "./admissionScene";
import { changes, revision, warnings } from "./harness";
import { carries, podsOf, untilRolledOut, waitForRollout } from "./kubectl";
import { outpostShm } from "./outpostShm";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

const label = "authentik-outpost-shm/revision";
const outposts = [{ name: "main", replicas: 2 }];
const byHand = { name: "intranet", deployment: "authentik-proxy", container: "authentik-proxy" };
const config = { outposts: ["main", byHand], delivery: "admission" };

describe("delivery by admission", () => {
  let scenario: Scenario;
  let scene: AdmissionScene;

  before(async () => {
    scenario = await openScenario({ name: "admission", outposts, config });
    scene = new AdmissionScene(scenario);
    for (const object of manualOutpost("authentik-proxy", scenario.namespace, "intranet")) {
      if (isDeployment(object)) object.spec!.selector.matchExpressions = [{ key: "canary", operator: "DoesNotExist" }];
      await scenario.generic.create(object, undefined, undefined, "kubectl-create");
    }
    await untilRolledOut(scenario, byHand.deployment);
  });
  after(closeScenarios);

  const pods = async () => ({
    main: await podsOf(scenario, "ak-outpost-main"),
    byHand: await podsOf(scenario, byHand.deployment),
  });
  const deploymentByHand = () =>
    scenario.apps.readNamespacedDeployment({ namespace: scenario.namespace, name: byHand.deployment });
  const patchByHand = (spec: object) => {
    const { apps, namespace, strategicMerge } = scenario;
    return apps.patchNamespacedDeployment({ namespace, name: byHand.deployment, body: { spec } }, strategicMerge);
  };

  it("gives every pod volume, mount and sidecar by one rollout, and the Deployments only a label", async () => {
    const before = await scenario.deployment("main");
    assert.deepEqual(
      warnings(await scenario.stack.up()),
      ["ak-outpost-main", "authentik-proxy"].map(
        (name) =>
          `Deployment ${name}: this change restarts its 2 pods (rolling update). The sessions in a restarted pod end: their users log in again.`,
      ),
    );
    await waitForRollout(scenario, "main");
    await untilRolledOut(scenario, byHand.deployment);
    const { main, byHand: manual } = await pods();
    assert.equal(main.length + manual.length, 4);
    for (const pod of [...main, ...manual]) assert.ok(carries(pod), pod.metadata?.name);
    const after = await scenario.deployment("main");
    assert.equal(revision(after) - revision(before), 1);
    assert.deepEqual(after.spec!.template.spec, before.spec!.template.spec);
    const added = Object.keys(after.spec!.template.metadata!.labels!).filter(
      (key) => !(key in before.spec!.template.metadata!.labels!),
    );
    assert.deepEqual(added, [label]);
  });

  it("gives it to pods of a Deployment that is created anew, of a restart, and of an autoscaler", async () => {
    const { kubeconfig, namespace } = scenario;
    // The controller scales up to minReplicas without any metrics, at its next look.
    const autoscaler: V2HorizontalPodAutoscaler = {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: byHand.deployment, namespace },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: byHand.deployment },
        minReplicas: 3,
        maxReplicas: 4,
      },
    };
    await scenario.generic.create(autoscaler);
    await untilUnlabelledAdmitted(kubeconfig, namespace, "ak-outpost-main");
    await deleteOutpost(kubeconfig, { namespace, ...outposts[0] });
    await createOutpost(kubeconfig, { namespace, ...outposts[0] });
    const bare = await scenario.deployment("main");
    assert.equal(bare.spec!.template.metadata!.labels![label], undefined);
    assert.deepEqual((await pods()).main.map(carries), [true, true]);
    await waitUntil(async () => (await deploymentByHand()).spec!.replicas === 3 || undefined, {
      what: "the autoscaler",
      timeoutMs: 60_000,
    });
    await untilRolledOut(scenario, byHand.deployment);
    assert.deepEqual((await pods()).byHand.map(carries), [true, true, true]);
    await scenario.generic.delete(autoscaler);
    await patchByHand({ replicas: 2 });
    await patchByHand({ template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": "now" } } } });
    await untilRolledOut(scenario, byHand.deployment);
    assert.deepEqual((await pods()).byHand.map(carries), [true, true]);
  });

  it("touches no other pod, and no other pod costs an evaluation", async () => {
    const { main, byHand: manual } = await pods();
    const { labels } = main[0].metadata!;
    const before = await scene.evaluations();
    const proxy: V1PodSpec = { containers: [{ name: "proxy", image: "example.com/x:1" }] };
    const [container] = proxy.containers;
    const neighbours: [what: string, V1Pod, namespace?: string][] = [
      ["other labels", { metadata: { labels: { app: "x" } }, spec: proxy }],
      ["no labels", { metadata: {}, spec: proxy }],
      ["an LDAP outpost's", { metadata: { labels: { ...labels, "app.kubernetes.io/name": "ldap" } }, spec: proxy }],
      ["the same labels elsewhere", { metadata: { labels }, spec: proxy }, "default"],
    ];
    for (const [what, pod, namespace] of neighbours)
      assert.equal((await scene.dryRun(pod, namespace)).spec!.initContainers, undefined, what);
    assert.equal(await scene.evaluations(), before);
    const volume = { name: "dshm", emptyDir: {} };
    const mounts = [{ name: "x", mountPath: "/dev/shm" }];
    const cured: [what: string, V1PodSpec][] = [
      ["a volume of that name", { ...proxy, volumes: [volume] }],
      ["a mount there", { containers: [{ ...container, volumeMounts: mounts }], volumes: [{ ...volume, name: "x" }] }],
      ["a container of that name", { containers: [container, { ...container, name: "shm-cleanup" }] }],
      ["another outpost container", { containers: [{ ...container, name: "other" }] }],
    ];
    for (const [what, spec] of cured) {
      const { spec: created } = await scene.dryRun({ metadata: { labels }, spec });
      assert.equal(created!.initContainers, undefined, what);
      assert.equal(created!.volumes?.some(({ name }) => name === "shm-cleanup-run") ?? false, false, what);
    }
    assert.ok(carries(await scene.dryRun({ metadata: { labels }, spec: proxy })));
    const ofManual = {
      metadata: { labels: manual[0].metadata!.labels },
      spec: { containers: [{ ...container, name: byHand.container }] },
    };
    assert.ok(carries(await scene.dryRun(ofManual)));
    const canary = { metadata: { labels: { ...ofManual.metadata.labels, canary: "" } }, spec: ofManual.spec };
    assert.equal(
      (await scene.dryRun(canary)).spec!.initContainers,
      undefined,
      "what the selector's expression leaves out",
    );
    assert.ok((await scene.evaluations()) > before);
  });

  it("labels the Deployment that was created anew at the next update, by one more rollout", async () => {
    const before = await scenario.deployment("main");
    await scenario.stack.up();
    await waitForRollout(scenario, "main");
    const after = await scenario.deployment("main");
    assert.equal(revision(after) - revision(before), 1);
    assert.ok(after.spec!.template.metadata!.labels![label]);
  });

  const faults: [what: string, break_: () => Promise<void>, mended: RegExp][] = [
    ["deleted by hand", () => scene.deletePolicy(), /^create outpost-shm-admission$/],
    ["edited into an error at run time", () => scene.breakPolicy(), /^update outpost-shm-admission: spec/],
  ];
  for (const [what, breakIt, mended] of faults) {
    it(`keeps no pod from starting where the policy is ${what}; the commands and the update say so, and it mends it`, async () => {
      await breakIt();
      await waitUntil(async () => (await scene.admits()) === false || undefined, {
        what: "the policy to be out of force",
        timeoutMs: 20_000,
      });
      const [victim] = (await pods()).main;
      await scene.deletePod(victim);
      await waitForRollout(scenario, "main");
      const bare = (await pods()).main.filter((pod) => !carries(pod));
      assert.equal(bare.length, 1);
      const { name } = bare[0].metadata!;
      assert.match(
        (await outpostShm(scenario, ["doctor"])).stdout,
        new RegExp(`1 pod without container shm-cleanup: ${name}\n`),
      );
      assert.match((await outpostShm(scenario, ["status"])).stdout, new RegExp(`^${name} +none `, "m"));
      assert.match(
        (await outpostShm(scenario, ["verify"])).stdout,
        new RegExp(`main +volume +FAIL +pod ${name}: it has no volume`),
      );
      const report = await scenario.stack.up({ refresh: true });
      assert.match(warnings(report).join("\n"), /a new pod of Deployment ak-outpost-main would have no sidecar now/);
      assert.ok(
        changes(report).some((change) => mended.test(change)),
        changes(report).join("\n"),
      );
      await waitUntil(async () => (await scene.admits()) || undefined, { what: "the policy", timeoutMs: 20_000 });
      await scene.deletePod(bare[0]);
      await waitForRollout(scenario, "main");
      assert.deepEqual((await pods()).main.map(carries), [true, true]);
    });
  }

  it("goes without a trace by one rollout, in which no new pod has the sidecar", async () => {
    const before = revision(await scenario.deployment("main"));
    await scenario.stack.destroy();
    await waitForRollout(scenario, "main");
    await untilRolledOut(scenario, byHand.deployment);
    const { main, byHand: manual } = await pods();
    assert.deepEqual([...main, ...manual].map(carries), [false, false, false, false]);
    assert.equal(revision(await scenario.deployment("main")) - before, 1);
    const objects = ["Deployment/ak-outpost-main", "Deployment/authentik-proxy"];
    assert.deepEqual(Object.keys(await scenario.objects()), objects);
  });
});
