import type { Cluster } from "../kubernetes/cluster";
import { hasCronJob, hasSidecar, type Settings } from "../settings/settings";
import { merge, nothing, problem, type Findings } from "./findings";
import * as messages from "./messages";

/** Checks that the cluster has the Prometheus operator's kinds. Without them nobody would hear of a full /dev/shm. */
export async function inspectMonitoring(
  cluster: Pick<Cluster, "support">,
  { namespace, monitoring, podMonitor, alerts, outposts }: Settings,
): Promise<Findings> {
  if (!monitoring) return nothing;
  const watched = outposts.some((outpost) => hasSidecar(outpost) || hasCronJob(outpost));
  const kinds: messages.MonitoringKind[] = [];
  if (podMonitor && outposts.some(hasSidecar)) kinds.push("PodMonitor");
  if (alerts && watched) kinds.push("PrometheusRule");
  return merge(await Promise.all(kinds.map((kind) => inspectKind(cluster, namespace, kind))));
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
