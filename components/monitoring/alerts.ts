import type { AlertThresholds, MonitoringSettings } from "../../settings/settings";
import { alertRule, type AlertRule } from "./alertRule";
import { cronJobAlerts } from "./cronJobAlerts";
import { sidecarAlerts, type SweptBySidecar } from "./sidecarAlerts";

/** Settings that the alerts are made from. */
export interface AlertSettings {
  namespace: string;
  /** Outposts with a sidecar. */
  sidecars: SweptBySidecar[];
  /** Name of the CronJob, if there is one. */
  cronJob?: string;
  settings: AlertThresholds & Pick<MonitoringSettings, "runbookUrl"> & Partial<Pick<MonitoringSettings, "suspend">>;
}

/** Makes the alerts on what is deployed in this namespace. */
export function alertRules({ namespace, sidecars, cronJob, settings }: AlertSettings): AlertRule[] {
  const alerts = [
    ...sidecarAlerts(namespace, sidecars, settings),
    ...(cronJob && !settings.suspend ? cronJobAlerts(namespace, cronJob) : []),
  ];
  return alerts.map((alert) => alertRule(alert, settings.runbookUrl));
}
