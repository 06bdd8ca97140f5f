// An update by this version of a stack that an earlier one deployed: no resource is replaced, and no pod restarts unless the
// release's notes say so. Each release adds the state that it wrote.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubernetesObject } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Report } from "../../../sandbox/engine";
import { podNames, waitForRollout } from "./kubectl";
import { installOperatorKinds, operatorObjects, removeOperatorKinds } from "./operatorKinds";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

/**
 * States by version, as `pulumi stack export` wrote them for the scenario below. They lack secrets providers, times, places in
 * the source, property dependencies, and the outputs of components and objects. The kubeconfig's path is `<kubeconfig>`.
 */
const folder = join(__dirname, "states");
const outposts = [{ name: "main" }, { name: "edge" }];
const config = { solution: "both", monitoring: true, outposts: ["main", { name: "edge", solution: "cronjob" }] };

interface State {
  version: number;
  deployment: { resources: Resource[] };
}
interface Resource {
  urn: string;
  type: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}
const isObject = ({ type }: Resource): boolean => type.startsWith("kubernetes:");

/** Returns the state that a version wrote, for the cluster of the scenario. */
function stateOf(version: string, { kubeconfig }: Scenario): State {
  const text = readFileSync(join(folder, `${version}.json`), "utf8").replaceAll("<kubeconfig>", kubeconfig);
  const state = JSON.parse(text) as State;
  // A refresh reads the other outputs of an object anew.
  for (const resource of state.deployment.resources.filter(isObject)) {
    const { apiVersion, kind, metadata } = resource.inputs as KubernetesObject;
    const __fieldManager = metadata?.annotations?.["pulumi.com/patchFieldManager"];
    resource.outputs = { apiVersion, kind, __initialApiVersion: apiVersion, __fieldManager, __inputs: resource.inputs };
  }
  return state;
}

/** Applies the objects of a state, in its order and in its stack's name, as the Kubernetes provider did. */
async function applyObjects({ generic }: Scenario, { deployment }: State): Promise<void> {
  const { PatchStrategy } = await import("@kubernetes/client-node");
  const objects = deployment.resources.filter(isObject).map(({ inputs }) => inputs as KubernetesObject);
  for (const object of objects) {
    const manager = object.metadata?.annotations?.["pulumi.com/patchFieldManager"];
    await generic.patch(object, undefined, undefined, manager, true, PatchStrategy.ServerSideApply);
  }
}

/** Reads everything that the update could have touched: the objects and their fields' owners, the pods, the generations. */
async function traces(scenario: Scenario) {
  const { kubeConfig, namespace } = scenario;
  const deployments = await Promise.all(outposts.map(({ name }) => scenario.deployment(name)));
  return {
    pods: await podNames(scenario),
    generations: deployments.map(({ metadata }) => metadata?.generation),
    objects: await scenario.objects(),
    operatorObjects: await operatorObjects(kubeConfig, namespace),
  };
}

/**
 * Versions whose pods hold the scripts. These leave the pods by one rollout, which a command awaits; everything else that
 * changes has new defaults.
 */
const withScriptsInPods: Record<string, { changes: string[]; warning: string }> = {
  "0.1.0": {
    changes: [
      "create kubernetes:core/v1:ConfigMap::outpost-shm-scripts",
      "create-replacement command:local:Command::outpost-shm-rollout",
      "delete-replaced command:local:Command::outpost-shm-rollout",
      "replace command:local:Command::outpost-shm-rollout",
      "update kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy::outpost-shm-cronjob",
      "update kubernetes:apps/v1:DeploymentPatch::outpost-shm-ak-outpost-main",
      "update kubernetes:batch/v1:CronJob::outpost-shm-cronjob",
      "update kubernetes:core/v1:ConfigMap::outpost-shm-ak-outpost-main",
      "update kubernetes:monitoring.coreos.com/v1:PodMonitor::outpost-shm-monitoring-pod-monitor",
      "update kubernetes:monitoring.coreos.com/v1:PrometheusRule::outpost-shm-monitoring-alerts",
      "update kubernetes:rbac.authorization.k8s.io/v1:Role::outpost-shm-cronjob",
    ],
    warning:
      "Deployment ak-outpost-main: this change restarts its pod (rolling update). The sessions in a restarted pod end: their users log in again.",
  },
};

/** Lists the steps that change something, as `OP TYPE::NAME`. A refresh that finds a difference from the state does not count. */
const changes = ({ steps }: Report): string[] =>
  steps
    .filter(({ op }) => !["same", "refresh"].includes(op))
    .map(({ op, urn }) => `${op} ${urn.replace(/^.*[$:]:?(?=[^$:]+:[^$:]+:[^$:]+::[^:]+$)/, "")}`)
    .sort();

describe("a stack that was deployed by an earlier version", () => {
  let kubeConfig: Scenario["kubeConfig"];
  before(async () => {
    ({ kubeConfig } = await openScenario({ name: "upgrade" }));
    await installOperatorKinds(kubeConfig);
  });
  after(async () => {
    await removeOperatorKinds(kubeConfig);
    await closeScenarios();
  });

  const versions = readdirSync(folder).map((file) => file.replace(/\.json$/, ""));
  for (const version of versions) {
    const move = withScriptsInPods[version];
    it(`comes up from ${version} with every resource in its place, and ${move ? "one rollout" : "no restarted pod"}`, async () => {
      const scenario = await openScenario({ name: `from-${version.replaceAll(".", "-")}`, outposts, config });
      const { stack } = scenario;
      const state = stateOf(version, scenario);
      await applyObjects(scenario, state);
      await waitForRollout(scenario, "main");
      await stack.importState(state);
      const [urns, before] = [await stack.urns(), await traces(scenario)];
      assert.equal(before.pods.length, outposts.length);
      assert.match(JSON.stringify(before.objects["Deployment/ak-outpost-main"]), /"shm-cleanup"/);

      const report = await stack.up();
      assert.deepEqual(changes(report), move?.changes ?? []);
      assert.deepEqual(
        report.diagnostics.map(({ message }) => message),
        move ? [move.warning] : [],
      );
      await waitForRollout(scenario, "main");
      const after = await traces(scenario);
      const has = await stack.urns();
      assert.deepEqual(
        urns.filter((urn) => !has.includes(urn)),
        [],
      );
      if (move) {
        const stayed = before.pods.filter((pod) => after.pods.includes(pod));
        assert.deepEqual(
          stayed,
          before.pods.filter((pod) => pod.startsWith("ak-outpost-edge-")),
        );
        assert.deepEqual(changes(await stack.up()), []);
      } else assert.deepEqual({ ...after, urns: has }, { ...before, urns });
      await stack.destroy();
      assert.deepEqual(Object.keys(await scenario.objects()).sort(), [
        "Deployment/ak-outpost-edge",
        "Deployment/ak-outpost-main",
      ]);
    });
  }
});
