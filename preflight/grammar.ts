import type { Cluster } from "../kubernetes/cluster";
import { hasCronJob, type Settings } from "../settings/settings";
import { merge, nothing, problem, type Findings } from "./findings";

const image = "example.com/none:0";

/** Asks the API server about values whose grammar is Kubernetes' own, by a dry run of an object that has them. */
export async function inspectGrammar(cluster: Pick<Cluster, "refusal">, settings: Settings): Promise<Findings> {
  const { namespace, schedule, monitoring, monitoringLabels, outposts } = settings;
  const metadata = { name: "authentik-outpost-shm-dry-run", namespace };
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "none", image }] } };
  const cronJob = { schedule, jobTemplate: { spec: { template } } };
  const ask = async (key: string, object: object): Promise<Findings> => {
    const reason = await cluster.refusal({ metadata, ...object });
    return reason === undefined ? nothing : problem(`${key}: the API server would not take it: ${reason}`);
  };
  const asked: Promise<Findings>[] = [];
  if (outposts.some(hasCronJob))
    asked.push(ask("schedule", { apiVersion: "batch/v1", kind: "CronJob", spec: cronJob }));
  if (monitoring && Object.keys(monitoringLabels).length > 0) {
    const labelled = { ...metadata, labels: monitoringLabels };
    asked.push(ask("monitoringLabels", { apiVersion: "v1", kind: "ConfigMap", metadata: labelled }));
  }
  return merge(await Promise.all(asked));
}
