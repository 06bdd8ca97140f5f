import type { AlertThresholds } from "../../settings/settings";
import { alertRule, type AlertRule } from "./alertRule";
import { cronJobAlerts } from "./cronJobAlerts";
import { sidecarAlerts, type SweptBySidecar } from "./sidecarAlerts";

/** What the alerts are made from. */
export interface AlertSettings {
  namespace: string;
  /** Outposts with a sidecar. */
  sidecars: SweptBySidecar[];
  /** Name of the CronJob, where there is one. */
  cronJob?: string;
  thresholds: AlertThresholds;
  /** Where the runbooks are: a URL or a path, without trailing slash. */
  runbookUrl: string;
}

/** Alerts on what is deployed, and on no other namespace's. */
export function alertRules({ namespace, sidecars, cronJob, thresholds, runbookUrl }: AlertSettings): AlertRule[] {
  const alerts = [
    ...sidecarAlerts(namespace, sidecars, thresholds),
    ...(cronJob ? cronJobAlerts(namespace, cronJob) : []),
  ];
  return alerts.map((alert) => alertRule(alert, runbookUrl));
}
