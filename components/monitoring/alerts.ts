import type { MonitoringSettings } from "../../settings/types";
import { alertRule, type AlertRule } from "./alertRule";
import { cronJobAlerts } from "./cronJobAlerts";
import { sidecarAlerts, type WatchedOutpost } from "./sidecarAlerts";

export interface AlertSettings {
  namespace: string;
  /** Outposts with a sidecar. */
  sidecars: WatchedOutpost[];
  /** Name of the CronJob, if there is one. */
  cronJob?: string;
  settings: Omit<MonitoringSettings, "monitoringLabels">;
}

export function alertRules({ namespace, sidecars, cronJob, settings }: AlertSettings): AlertRule[] {
  const alerts = [
    ...sidecarAlerts(namespace, sidecars, settings),
    ...(cronJob && !settings.suspend ? cronJobAlerts(namespace, cronJob) : []),
  ];
  return alerts.map((alert) => alertRule(alert, settings.runbookUrl));
}
