// The objects for Prometheus and Grafana, created by the real engine on a real API server: with the Prometheus operator's kinds
// and without. Nothing here proves that an operator and a Grafana work with these objects.
import assert from "node:assert/strict";
import { alertRules } from "../../../components/monitoring/alerts";
import { podMonitorSpec } from "../../../components/monitoring/podMonitor";
import { liveCluster } from "../../../kubernetes/liveCluster";
import type { Report } from "../../../sandbox/engine";
import { settingsOf } from "../monitoring/alertSettings";
import { impersonating } from "./impersonating";
import { podNames } from "./kubectl";
import { installOperatorKinds, operatorObjects, removeOperatorKinds } from "./operatorKinds";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

const warnings = ({ diagnostics }: Report): string[] =>
  diagnostics.filter(({ severity }) => severity === "warning").map(({ message }) => message);

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
      const before = await scenario.objects();
      for (const operation of [() => scenario.stack.preview(), () => scenario.stack.up()]) {
        await assert.rejects(operation(), (error: Error & { report: Report }) => {
          const errors = error.report.diagnostics.filter(({ severity }) => severity === "error");
          const said = [...new Set(errors.map(({ message }) => message))].join("\n") || String(error.cause);
          assert.equal(
            said,
            "Nothing was changed. The cluster is not as the settings need it:\n" +
              "  - monitoring: this cluster has no PodMonitor: the CustomResourceDefinition podmonitors.monitoring.coreos.com is missing. " +
              "Install the Prometheus operator, or set podMonitor to false.\n" +
              "  - monitoring: this cluster has no PrometheusRule: the CustomResourceDefinition prometheusrules.monitoring.coreos.com is missing. " +
              "Install the Prometheus operator, or set alerts to false.",
          );
          return true;
        });
      }
      assert.deepEqual(await scenario.objects(), before);
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
    after(() => removeOperatorKinds(scenario.kubeConfig));

    const state = async (): Promise<Record<string, unknown>> => ({
      ...(await scenario.objects()),
      ...(await operatorObjects(scenario.kubeConfig, scenario.namespace)),
    });
    const ours = ["ConfigMap/authentik-outpost-shm-dashboard", "PodMonitor/authentik-outpost-shm"];
    ours.push("PrometheusRule/authentik-outpost-shm");
    const monitoringOf = async (): Promise<string[]> =>
      Object.keys(await state()).filter((name) => /PodMonitor|PrometheusRule|dashboard/.test(name));

    it("creates its objects and restarts no pod", async () => {
      const [before, pods] = [await state(), await podNames(scenario)];
      await scenario.configure({ monitoring: true, monitoringLabels: "release=kube-prometheus-stack" });
      assert.deepEqual(warnings(await scenario.stack.preview()), []);
      assert.deepEqual(warnings(await scenario.stack.up()), []);
      const after = await state();
      assert.deepEqual(Object.keys(after).sort(), [...Object.keys(before), ...ours].sort());
      assert.deepEqual(await podNames(scenario), pods);
      for (const name of ours.slice(1)) {
        const { labels } = after[name] as { labels: Record<string, string> };
        assert.equal(labels.release, "kube-prometheus-stack", name);
      }
    });

    it("has nothing to do the second time", async () => {
      const { steps } = await scenario.stack.up();
      const changed = steps.filter(({ op }) => !["same", "read", "refresh"].includes(op));
      assert.deepEqual(
        changed.map(({ op, type }) => `${op} ${type}`),
        [],
      );
    });

    it("follows the settings of the sweep, and adds alerts for a CronJob", async () => {
      const alertNames = async (): Promise<string[]> => {
        const rule = (await state())["PrometheusRule/authentik-outpost-shm"];
        const { groups } = (rule as { spec: { groups: { rules: { alert: string }[] }[] } }).spec;
        return [...new Set(groups.flatMap(({ rules }) => rules.map(({ alert }) => alert.slice(19))))];
      };
      const ofSidecar = [
        "UsageHigh",
        "SessionFilesHigh",
        "SweepErrors",
        "LoginsEvicted",
        "SweepStalled",
        "FillingUp",
        "TargetMissing",
      ];
      assert.deepEqual(await alertNames(), ofSidecar);
      await scenario.configure({ monitoring: true, solution: "both" });
      await scenario.stack.up();
      assert.deepEqual(await alertNames(), [...ofSidecar, "CronJobFailed", "CronJobNotRun"]);
      await scenario.configure({ monitoring: true, solution: "cronjob" });
      await scenario.stack.up();
      assert.deepEqual(await alertNames(), ["CronJobFailed", "CronJobNotRun"]);
      assert.deepEqual(
        await monitoringOf(),
        ours.filter((name) => !name.startsWith("PodMonitor")),
      );
    });

    it("has nothing in its objects that the operator's own schemas don't know, which the API server would drop", async () => {
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

    it("is toggled part by part, and leaves nothing", async () => {
      await scenario.configure({});
      await scenario.stack.up();
      const without = await state();
      const steps: [config: Record<string, unknown>, objects: string[]][] = [
        [{ monitoring: true }, ours],
        [{ monitoring: true, alerts: false }, ours.slice(0, 2)],
        [{ monitoring: true, podMonitor: false }, [ours[0], ours[2]]],
        [{ monitoring: true, dashboard: false }, ours.slice(1)],
        [{ monitoring: true, solution: "none" }, []],
        [{ monitoring: true }, ours],
      ];
      for (const [config, objects] of steps) {
        await scenario.configure(config);
        await scenario.stack.up();
        assert.deepEqual(await monitoringOf(), objects, JSON.stringify(config));
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
  });

  describe("where the operator is taken away", () => {
    it("has nothing to delete, and nothing is in the way", async () => {
      await installOperatorKinds(scenario.kubeConfig);
      await scenario.configure({ monitoring: true });
      await scenario.stack.up();
      await removeOperatorKinds(scenario.kubeConfig);
      await scenario.configure({});
      await scenario.stack.up();
      assert.deepEqual(Object.keys(await scenario.objects()).sort(), [
        "ConfigMap/ak-outpost-main-shm-cleanup",
        "ConfigMap/authentik-outpost-shm-scripts",
        "Deployment/ak-outpost-main",
      ]);
    });
  });
});
