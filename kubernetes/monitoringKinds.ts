import { connection, type KubernetesConfig } from "./connection";
import { supportOf, type Support } from "./support";

/** Kinds of the Prometheus operator that we create, and their plurals. */
export const monitoringKinds = { PodMonitor: "podmonitors", PrometheusRule: "prometheusrules" } as const;
export type MonitoringKind = keyof typeof monitoringKinds;
export const monitoringGroup = "monitoring.coreos.com";

/** Looks at what a cluster has for its Prometheus. Nothing here changes the cluster. */
export interface MonitoringApi {
  support(namespace: string, kind: MonitoringKind): Promise<Support>;
}

/** Of the cluster that the Kubernetes provider is configured for. */
export function clusterMonitoring(config: KubernetesConfig): MonitoringApi {
  const call = connection(config);
  return {
    support: (namespace, kind) =>
      supportOf(call, { group: monitoringGroup, version: "v1", resource: monitoringKinds[kind], namespace }),
  };
}
