import type { ValuesOf } from "./row";
import type { outpostRows, stackRows } from "./table";

export type { Delivery, Solution } from "./table";

/** Namespace of the program's keys in a stack file, whatever the project's name is. */
export const configNamespace = "authentik-outpost-shm";

/** One outpost, its own settings merged over the stack's. The table (table.ts) explains each. */
export interface OutpostSettings extends ValuesOf<typeof outpostRows> {
  /** The name as authentik shows it: any text. */
  name: string;
  /** The outpost's Deployment, unique in the list. Default: the name that authentik gives it (`deploymentName`). */
  deployment: string;
  /** Set if the stack or the outpost gives `shmSize`. For the preflight alone. */
  shmSizeGiven?: true;
}

/** The stack's config, every value checked and in canonical form: durations such as `1h30m`, sizes such as `512Mi`. */
export interface Settings extends ValuesOf<typeof stackRows> {
  /** At least one. No two have the same name or Deployment. */
  outposts: OutpostSettings[];
}

/** Leaves out what the preflight alone needs. The rest are arguments of the component. */
export function argumentsOf({ shmSizeGiven: _, ...outpost }: OutpostSettings): OutpostSettings {
  return outpost;
}

/** Settings of the sweep, those with a variable of the scripts. Changing them restarts no pod. */
export type SweepSettings = Pick<
  OutpostSettings,
  "sweepInterval" | "anonymousMaxAge" | "authenticatedMaxAge" | "highWatermark" | "lowWatermark"
>;

type Cured = Pick<OutpostSettings, "solution">;
export const hasSidecar = ({ solution }: Cured): boolean => solution === "sidecar" || solution === "both";
export const hasCronJob = ({ solution }: Cured): boolean => solution === "cronjob" || solution === "both";

/** The objects for Prometheus and Grafana that are to be. */
export type MonitoringParts = Pick<Settings, "podMonitor" | "alerts" | "dashboard">;

/** Leaves out the objects for anything that is not deployed. Only a sidecar has metrics of its own. */
export function monitoringParts({
  monitoring,
  podMonitor,
  alerts,
  dashboard,
  outposts,
}: MonitoringParts & { monitoring: boolean; outposts: Cured[] }): MonitoringParts {
  const sidecars = monitoring && outposts.some(hasSidecar);
  const any = sidecars || (monitoring && outposts.some(hasCronJob));
  return { podMonitor: podMonitor && sidecars, alerts: alerts && any, dashboard: dashboard && any };
}

const thresholds = ["usageWarning", "usageCritical", "sessionFilesWarning"] as const;
/** Thresholds of the alerts on an outpost's /dev/shm. */
export type AlertThresholds = Pick<Settings, (typeof thresholds)[number]>;

/** Settings of the objects for Prometheus and Grafana. */
export const monitoringKeys = ["suspend", "monitoringLabels", "runbookUrl", ...thresholds] as const;
export type MonitoringSettings = Pick<Settings, (typeof monitoringKeys)[number]>;
