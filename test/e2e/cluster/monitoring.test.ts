// The objects for Prometheus and Grafana, created by the real engine on a real API server: with the Prometheus operator's kinds
// and without. Nothing here proves that an operator and a Grafana work with these objects.
import assert from "node:assert/strict";
import { alertRules } from "../../../components/monitoring/alerts";
import { podMonitorSpec } from "../../../components/monitoring/podMonitor";
import { liveCluster } from "../../../kubernetes/liveCluster";
import { settingsOf } from "../monitoring/alertSettings";
import { refusal, warnings } from "./harness";
import { impersonating } from "./impersonating";
import { podNames } from "./kubectl";
import { installOperatorKinds, operatorObjects, removeOperatorKinds } from "./operatorKinds";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

describe("monitoring on a cluster", () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await openScenario({ name: "monitoring" });
    await scenario.stack.up();
  });

  after(closeScenarios);

  describe("without the Prometheus operator's kinds", () => {
    it("names what is missing and the ways on, in previews and updates, and changes nothing", async () => {
      await scenario.configure({ monitoring: true, shmSize: "512Mi" });
      assert.equal(
        await refusal(scenario),
        "Nothing was changed. The cluster is not as the settings need it:\n" +
          "  - monitoring: this cluster has no PodMonitor: the CustomResourceDefinition podmonitors.monitoring.coreos.com is missing. " +
          "Install the Prometheus operator, or set podMonitor to false.\n" +
          "  - monitoring: this cluster has no PrometheusRule: the CustomResourceDefinition prometheusrules.monitoring.coreos.com is missing. " +
          "Install the Prometheus operator, or set alerts to false.",
      );
    });

    it("brings the dashboard where that is all that is asked for", async () => {
      const before = await scenario.objects();
      await scenario.configure({ monitoring: true, podMonitor: false, alerts: false });
      await scenario.stack.up();
      const { "ConfigMap/authentik-outpost-shm-dashboard": configMap, ...others } = await scenario.objects();
      assert.ok(configMap);
      assert.deepEqual(others, before);
      await scenario.configure({});
      await scenario.stack.up();
      assert.deepEqual(await scenario.objects(), before);
    });
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

    let without: Record<string, unknown>;

    it("creates its objects and restarts no pod", async () => {
      const pods = await podNames(scenario);
      without = await state();
      await scenario.configure({ monitoring: true, monitoringLabels: "release=kube-prometheus-stack" });
      assert.deepEqual(warnings(await scenario.stack.preview()), []);
      assert.deepEqual(warnings(await scenario.stack.up()), []);
      const after = await state();
      assert.deepEqual(Object.keys(after).sort(), [...Object.keys(without), ...ours].sort());
      assert.deepEqual(await podNames(scenario), pods);
      for (const name of ours.slice(1)) {
        const { labels } = after[name] as { labels: Record<string, string> };
        assert.equal(labels.release, "kube-prometheus-stack", name);
      }
    });

    it("follows the settings, and has nothing in its objects that the operator's own schemas don't know, which the API server would drop", async () => {
      const config = { solution: "both", monitoring: true, runbookUrl: "https://git.example.com/runbooks" };
      await scenario.configure(config);
      await scenario.stack.up();
      const { "PodMonitor/authentik-outpost-shm": podMonitor, "PrometheusRule/authentik-outpost-shm": rule } =
        (await state()) as Record<string, { spec: unknown }>;
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

    it("goes where nothing is left to watch, comes back, and leaves nothing", async () => {
      for (const [solution, objects] of [
        ["none", []],
        ["sidecar", ours],
      ] as const) {
        await scenario.configure({ monitoring: true, solution });
        await scenario.stack.up();
        assert.deepEqual(await monitoringOf(), objects, solution);
      }
      await scenario.configure({ monitoring: false });
      await scenario.stack.up();
      assert.deepEqual(await state(), without);
    });

    it("tells an account that may create none from one that may", async () => {
      const { namespace, kubeconfig } = scenario;
      const somebody = await impersonating(scenario, "somebody");
      const [own, others] = [kubeconfig, somebody.exportConfig()].map((text) => liveCluster({ kubeconfig: text }));
      for (const resource of ["podmonitors", "prometheusrules"]) {
        const kind = { group: "monitoring.coreos.com", version: "v1", resource, namespace };
        assert.equal(await own.support(kind), "usable");
        assert.equal(await others.support(kind), "forbidden");
      }
    });

    it("has nothing to delete once the operator is taken away, and nothing is in the way", async () => {
      await scenario.configure({ monitoring: true });
      await scenario.stack.up();
      await removeOperatorKinds(scenario.kubeConfig);
      await scenario.configure({});
      await scenario.stack.up();
      assert.deepEqual(await scenario.objects(), without);
    });
  });
});
