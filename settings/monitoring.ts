import type { MonitoringSettings, OutpostSettings } from "./settings";
import { MONITORING_FIELDS, type ValuesOf } from "./table";
import type { Problems } from "./problems";
import { defaultsOf, type Raw, readFields } from "./readFields";

type Values = ValuesOf<typeof MONITORING_FIELDS>;

/** Reads what to create for Prometheus and Grafana. Values are checked whether it is switched on or not; rules between them only then. */
export function readMonitoring(
  raw: Raw,
  outposts: readonly OutpostSettings[],
  problems: Problems,
): MonitoringSettings | undefined {
  const values = readFields(MONITORING_FIELDS, raw, defaultsOf(MONITORING_FIELDS), "", problems);
  if (!values.monitoring) return undefined;
  if (values.alerts) checkThresholds(raw, values, outposts, problems);
  return {
    podMonitor: values.podMonitor,
    alerts: values.alerts,
    dashboard: values.dashboard,
    labels: values.monitoringLabels,
    thresholds: {
      usageWarningPercent: values.usageWarning,
      usageCriticalPercent: values.usageCritical,
      sessionFiles: values.sessionFilesWarning,
    },
    runbookUrl: values.runbookUrl,
  };
}

/** An alert that fires while all is as it was set up to be is no alert. */
function checkThresholds(raw: Raw, values: Values, outposts: readonly OutpostSettings[], problems: Problems): void {
  if (problems.has("usageWarning") || problems.has("usageCritical")) return;
  const { usageWarning, usageCritical } = values;
  if (usageWarning > usageCritical) {
    problems.value("usageWarning", raw.usageWarning ?? usageWarning, `is above usageCritical (${usageCritical})`);
  }
  const swept = outposts.filter(({ solution }) => solution === "sidecar" || solution === "both");
  const highest = Math.max(...swept.map(({ sweep }) => sweep.highWatermarkPercent));
  if (usageWarning < highest) {
    const why = `so full the sweep lets /dev/shm get before it acts; set it to ${highest} or more, or alerts to false`;
    problems.value("usageWarning", raw.usageWarning ?? usageWarning, `is below highWatermark (${highest}): ${why}`);
  }
}
