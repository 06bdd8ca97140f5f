import type { Cluster } from "../kubernetes/cluster";
import { monitoringParts, type Settings } from "../settings/types";
import { merge, nothing, problem, type Findings } from "./findings";

const group = "monitoring.coreos.com";
/** Kinds of the Prometheus operator that we create, and the settings that switch them off. */
const kinds = [
  { kind: "PodMonitor", resource: "podmonitors", setting: "podMonitor" },
  { kind: "PrometheusRule", resource: "prometheusrules", setting: "alerts" },
] as const;

/** Checks that the cluster has the Prometheus operator's kinds. Without them nobody would hear of a full /dev/shm. */
export async function inspectMonitoring(cluster: Pick<Cluster, "support">, settings: Settings): Promise<Findings> {
  const { namespace } = settings;
  const parts = monitoringParts(settings);
  const inspect = async ({ kind, resource, setting }: (typeof kinds)[number]): Promise<Findings> => {
    const support = await cluster.support({ group, version: "v1", resource, namespace });
    if (support === "usable") return nothing;
    return problem(
      support === "unserved"
        ? `monitoring: this cluster has no ${kind}: the CustomResourceDefinition ${resource}.${group} is missing. ` +
            `Install the Prometheus operator, or set ${setting} to false.`
        : `monitoring: your account may not create a ${kind} (${resource}.${group}) in namespace ${namespace}. ` +
            `Have somebody update the stack who may, or set ${setting} to false.`,
    );
  };
  return merge(await Promise.all(kinds.filter(({ setting }) => parts[setting]).map(inspect)));
}
