import type { MonitoringSettings } from "../../settings/settings";

/** Which objects there are to be for Prometheus and Grafana. */
export type MonitoringParts = Pick<MonitoringSettings, "podMonitor" | "alerts" | "dashboard">;

/** What there is to watch. */
export interface Watched {
  sidecars: boolean;
  cronJob: boolean;
}

/** Nothing without settings, and nothing for what is not deployed: only a sidecar gives metrics of its own. */
export function monitoringParts(
  settings: MonitoringSettings | undefined,
  { sidecars, cronJob }: Watched,
): MonitoringParts {
  const { podMonitor = false, alerts = false, dashboard = false } = settings ?? {};
  const any = sidecars || cronJob;
  return { podMonitor: podMonitor && sidecars, alerts: alerts && any, dashboard: dashboard && any };
}
