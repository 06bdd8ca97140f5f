import { outpostNameLabel } from "../../authentik/names";
import { metricsPath, metricsPortName } from "../../cleaner/names";

/**
 * Makes Prometheus scrape every sidecar in the PodMonitor's namespace, by the name of its port: an outpost's pods may have any
 * labels. The operator gives the targets the labels `namespace`,
 * `pod` and `container`, which the alerts use, and here the outpost's slug as `goauthentik_io_outpost_name`. The port has had
 * its name since the first version of the sidecar, so a PodMonitor restarts no pod. Prometheus finds ports of native sidecars
 * too.
 */
export const podMonitorSpec = {
  selector: {},
  podTargetLabels: [outpostNameLabel],
  podMetricsEndpoints: [{ port: metricsPortName, path: metricsPath }],
};
