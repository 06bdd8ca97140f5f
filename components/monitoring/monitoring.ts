import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { objectLabels } from "../../cleaner/names";
import type { MonitoringParts, MonitoringSettings } from "../../settings/types";
import { childOf } from "../childOf";
import { ownMetadata, type Ownership } from "../fieldManager";
import { alertRules } from "./alerts";
import { dashboard } from "./dashboard";
import { podMonitorSpec } from "./podMonitor";
import type { WatchedOutpost } from "./sidecarAlerts";

const objectName = "authentik-outpost-shm";
/** Kinds of the Prometheus operator. */
const apiVersion = "monitoring.coreos.com/v1";

export interface MonitoringArgs extends Ownership {
  settings: pulumi.Input<MonitoringSettings>;
  parts: MonitoringParts;
  /** Outposts with a sidecar. */
  sidecars: pulumi.Input<WatchedOutpost>[];
  /** Name of the CronJob, if there is one. */
  cronJob?: string;
}

/** The objects by which Prometheus and Grafana watch the outposts' /dev/shm: a PodMonitor, alerts, a dashboard. */
export class Monitoring extends pulumi.ComponentResource {
  constructor(
    name: string,
    private readonly args: MonitoringArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("authentik-outpost-shm:index:Monitoring", name, {}, opts);
    const { podMonitor, alerts, dashboard } = args.parts;
    if (podMonitor) this.createPodMonitor(name);
    if (alerts) this.createAlerts(name);
    if (dashboard) this.createDashboard(name);
    this.registerOutputs({});
  }

  private createPodMonitor(name: string): void {
    const kind = { apiVersion, kind: "PodMonitor" };
    const object = { ...kind, metadata: this.metadata(objectName), spec: podMonitorSpec };
    new kubernetes.apiextensions.CustomResource(`${name}-pod-monitor`, object, childOf(this));
  }

  private createAlerts(name: string): void {
    const { namespace, sidecars, cronJob, settings } = this.args;
    const spec = pulumi.all([namespace, pulumi.all(sidecars), settings]).apply(([namespace, sidecars, settings]) => ({
      groups: [{ name: objectName, rules: alertRules({ namespace, sidecars, cronJob, settings }) }],
    }));
    const kind = { apiVersion, kind: "PrometheusRule" };
    const object = { ...kind, metadata: this.metadata(objectName), spec };
    new kubernetes.apiextensions.CustomResource(`${name}-alerts`, object, childOf(this));
  }

  private createDashboard(name: string): void {
    const { namespace, settings } = this.args;
    const text = pulumi
      .all([namespace, settings])
      .apply(([namespace, settings]) => `${JSON.stringify(dashboard(namespace, settings), null, 2)}\n`);
    const metadata = this.metadata(`${objectName}-dashboard`, { grafana_dashboard: "1" });
    const data = { [`${objectName}.json`]: text };
    new kubernetes.core.v1.ConfigMap(`${name}-dashboard`, { metadata, data }, childOf(this));
  }

  private metadata(name: string, labels: Record<string, string> = {}) {
    const all = pulumi
      .output(this.args.settings)
      .apply(({ monitoringLabels }) => ({ ...objectLabels, ...labels, ...monitoringLabels }));
    return { ...ownMetadata(name, this.args), labels: all };
  }
}
