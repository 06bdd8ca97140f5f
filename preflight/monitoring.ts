import type { Cluster } from "../kubernetes/cluster";
import { monitoringParts, type Settings } from "../settings/settings";
import { merge, nothing, problem, type Findings } from "./findings";
import * as messages from "./messages";

/** Checks that the cluster has the Prometheus operator's kinds. Without them nobody would hear of a full /dev/shm. */
export async function inspectMonitoring(cluster: Pick<Cluster, "support">, settings: Settings): Promise<Findings> {
  const { podMonitor, alerts } = monitoringParts(settings);
  const kinds: messages.MonitoringKind[] = [];
  if (podMonitor) kinds.push("PodMonitor");
  if (alerts) kinds.push("PrometheusRule");
  return merge(await Promise.all(kinds.map((kind) => inspectKind(cluster, settings.namespace, kind))));
}

async function inspectKind(
  cluster: Pick<Cluster, "support">,
  namespace: string,
  kind: messages.MonitoringKind,
): Promise<Findings> {
  const resource = messages.monitoringKinds[kind];
  switch (await cluster.support({ group: messages.monitoringGroup, version: "v1", resource, namespace })) {
    case "usable":
      return nothing;
    case "unserved":
      return problem(messages.monitoringKindMissing(kind));
    case "forbidden":
      return problem(messages.monitoringKindForbidden(kind, namespace));
  }
}
