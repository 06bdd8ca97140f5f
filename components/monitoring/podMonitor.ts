import { outpostNameLabel } from "../../authentik/names";
import { metricsPath, metricsPortName, objectLabels } from "../../cleaner/names";

const nameLabel = "app.kubernetes.io/name";

/**
 * Makes Prometheus scrape every sidecar in the PodMonitor's namespace, by the name of its port: an outpost's pods may have any
 * labels. The operator gives the targets the labels `namespace`, `pod` and `container`, which the alerts use, and here the
 * outpost's slug as `goauthentik_io_outpost_name`. The port has had its name since the first version of the sidecar, so a
 * PodMonitor restarts no pod. Prometheus finds ports of native sidecars too.
 */
export const podMonitorSpec = {
  // All pods but our own CronJob's. An empty selector would mean all, but Pulumi takes it for a change at each update.
  selector: { matchExpressions: [{ key: nameLabel, operator: "NotIn", values: [objectLabels[nameLabel]] }] },
  podTargetLabels: [outpostNameLabel],
  podMetricsEndpoints: [{ port: metricsPortName, path: metricsPath }],
};
