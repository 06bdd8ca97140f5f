// The objects for Prometheus and Grafana, created by the real engine on a real API server: with the Prometheus operator's kinds
// and without. Nothing here proves that an operator and a Grafana work with these objects.
import assert from "node:assert/strict";
import { alertRules } from "../../../components/monitoring/alerts";
import { podMonitorSpec } from "../../../components/monitoring/podMonitor";
import { liveCluster } from "../../../kubernetes/liveCluster";
import { settingsOf } from "../monitoring/alertSettings";
import { warnings } from "./harness";
import { impersonating } from "./impersonating";
import { podNames } from "./kubectl";
import { installOperatorKinds, operatorObjects, removeOperatorKinds } from "./operatorKinds";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

type Labels = Record<string, string>;
const kinds = ["podmonitors", "prometheusrules"].map((resource) => {
  return { group: "monitoring.coreos.com", version: "v1", resource };
});

describe("monitoring on a cluster", () => {
  let scenario: Scenario;
  let without: Record<string, unknown>;

  before(async () => {
    scenario = await openScenario({ name: "monitoring", config: { solution: "both" } });
    await scenario.stack.up();
  });

  after(closeScenarios);

  it("brings the dashboard without the Prometheus operator's kinds, where that is all that is asked for", async () => {
    // test/unit/preflight/preflight.test.ts has what is said then if more is asked for.
    for (const kind of kinds)
      assert.equal(await liveCluster({ kubeconfig: scenario.kubeconfig }).support(kind), "unserved");
    without = await scenario.objects();
    await scenario.configure({ solution: "both", monitoring: true, podMonitor: false, alerts: false });
    await scenario.stack.up();
    const { "ConfigMap/authentik-outpost-shm-dashboard": configMap, ...others } = await scenario.objects();
    assert.ok(configMap);
    assert.deepEqual(others, without);
  });

  describe("with the Prometheus operator's kinds", () => {
    before(() => installOperatorKinds(scenario.kubeConfig));

    const state = async (): Promise<Record<string, unknown>> => ({
      ...(await scenario.objects()),
      ...(await operatorObjects(scenario.kubeConfig, scenario.namespace)),
    });
    const ours = ["ConfigMap/authentik-outpost-shm-dashboard", "PodMonitor/authentik-outpost-shm"];
    ours.push("PrometheusRule/authentik-outpost-shm");
    const monitoringOf = async (): Promise<string[]> =>
      Object.keys(await state()).filter((name) => /PodMonitor|PrometheusRule|dashboard/.test(name));

    it("creates its objects by the settings, restarts no pod, and has nothing in them that the operator's own schemas don't know, which the API server would drop", async () => {
      const pods = await podNames(scenario);
      const config = { solution: "both", monitoring: true, runbookUrl: "https://git.example.com/runbooks" };
      await scenario.configure({ ...config, monitoringLabels: "release=kube-prometheus-stack" });
      assert.deepEqual(warnings(await scenario.stack.up()), []);
      const after = await state();
      assert.deepEqual(Object.keys(after).sort(), [...Object.keys(without), ...ours].sort());
      assert.deepEqual(await podNames(scenario), pods);
      const [podMonitor, rule] = ours.slice(1).map((name) => after[name] as { labels: Labels; spec: unknown });
      for (const { labels } of [podMonitor, rule]) assert.equal(labels.release, "kube-prometheus-stack");
      assert.deepEqual(podMonitor.spec, podMonitorSpec);
      const rules = alertRules(settingsOf({ ...config, namespace: scenario.namespace, outposts: ["main"] }));
      assert.deepEqual(rule.spec, { groups: [{ name: "authentik-outpost-shm", rules }] });
      const bad = { ...rules[0], for: "5 minutes" };
      await assert.rejects(
        createRule({ groups: [{ name: "bad", rules: [bad] }] }),
        /spec\.groups\[0\]\.rules\[0\]\.for/,
      );
    });

    const createRule = async (spec: object): Promise<void> => {
      const { CustomObjectsApi } = await import("@kubernetes/client-node");
      const kind = { group: "monitoring.coreos.com", version: "v1", plural: "prometheusrules" };
      const body = { apiVersion: `${kind.group}/v1`, kind: "PrometheusRule", metadata: { name: "bad" }, spec };
      const { namespace, kubeConfig } = scenario;
      await kubeConfig.makeApiClient(CustomObjectsApi).createNamespacedCustomObject({ ...kind, namespace, body });
    };

    it("goes where nothing is left to watch, and comes back", async () => {
      for (const [solution, objects] of [
        ["none", []],
        ["both", ours],
      ] as const) {
        await scenario.configure({ monitoring: true, solution });
        await scenario.stack.up();
        assert.deepEqual(await monitoringOf(), objects, solution);
      }
    });

    it("tells an account that may create none from one that may", async () => {
      const { namespace, kubeconfig } = scenario;
      const somebody = await impersonating(scenario, "somebody");
      const [own, others] = [kubeconfig, somebody.exportConfig()].map((text) => liveCluster({ kubeconfig: text }));
      for (const kind of kinds) {
        assert.equal(await own.support({ ...kind, namespace }), "usable");
        assert.equal(await others.support({ ...kind, namespace }), "forbidden");
      }
    });

    it("has nothing to delete once the operator is taken away, and nothing is in the way", async () => {
      await removeOperatorKinds(scenario.kubeConfig);
      await scenario.configure({ solution: "both" });
      await scenario.stack.up();
      assert.deepEqual(await scenario.objects(), without);
    });
  });
});
