import { merge, nothing, problem, type Findings } from "./findings";
import * as messages from "./messages";
import type { MonitoringParts } from "../components/monitoring/parts";
import type { MonitoringApi, MonitoringKind } from "../kubernetes/monitoringKinds";

/** Whether the cluster takes what Prometheus is told by. Each kind that it does not take is a problem: nobody would be told of a full /dev/shm. */
export async function inspectMonitoring(
  api: MonitoringApi,
  namespace: string,
  parts: MonitoringParts,
): Promise<Findings> {
  const kinds: MonitoringKind[] = [
    ...(parts.podMonitor ? (["PodMonitor"] as const) : []),
    ...(parts.alerts ? (["PrometheusRule"] as const) : []),
  ];
  return merge(await Promise.all(kinds.map((kind) => inspectKind(api, namespace, kind))));
}

async function inspectKind(api: MonitoringApi, namespace: string, kind: MonitoringKind): Promise<Findings> {
  switch (await api.support(namespace, kind)) {
    case "usable":
      return nothing;
    case "unserved":
      return problem(messages.monitoringKindMissing(kind));
    case "forbidden":
      return problem(messages.monitoringKindForbidden(kind, namespace));
  }
}
