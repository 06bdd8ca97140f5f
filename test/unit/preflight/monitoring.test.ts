import assert from "node:assert/strict";
import { inspectMonitoring } from "../../../preflight/monitoring";
import type { MonitoringKind } from "../../../kubernetes/monitoringKinds";
import type { Support } from "../../../kubernetes/support";

const all = { podMonitor: true, alerts: true, dashboard: true };

/** What is found of the support that the cluster gives each kind, and which kinds were asked for. */
async function look(support: Record<MonitoringKind, Support>, parts = all) {
  const asked: string[] = [];
  const api = {
    support: (namespace: string, kind: MonitoringKind) => {
      asked.push(`${namespace}/${kind}`);
      return Promise.resolve(support[kind]);
    },
  };
  return { ...(await inspectMonitoring(api, "authentik", parts)), asked };
}

describe("the look at the Prometheus operator's kinds", () => {
  it("finds both to be had, in the namespace they go to", async () => {
    assert.deepEqual(await look({ PodMonitor: "usable", PrometheusRule: "usable" }), {
      problems: [],
      warnings: [],
      asked: ["authentik/PodMonitor", "authentik/PrometheusRule"],
    });
  });

  it("names each one that is missing or forbidden, and the ways on", async () => {
    assert.deepEqual(await look({ PodMonitor: "forbidden", PrometheusRule: "unserved" }), {
      problems: [
        "monitoring: your account may not create a PodMonitor (podmonitors.monitoring.coreos.com) in namespace authentik. " +
          "Have somebody update the stack who may, or set podMonitor to false.",
        "monitoring: this cluster has no PrometheusRule: the CustomResourceDefinition prometheusrules.monitoring.coreos.com is missing. " +
          "Install the Prometheus operator, or set alerts to false.",
      ],
      warnings: [],
      asked: ["authentik/PodMonitor", "authentik/PrometheusRule"],
    });
  });

  it("asks for none that is not wanted", async () => {
    const missing = { PodMonitor: "unserved", PrometheusRule: "unserved" } as const;
    const { problems, asked } = await look(missing, { ...all, podMonitor: false, alerts: false });
    assert.deepEqual({ problems, asked }, { problems: [], asked: [] });
  });
});
