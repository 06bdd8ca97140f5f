import type { Cluster } from "../kubernetes/cluster";
import { hasCronJob, type Settings } from "../settings/types";
import { merge, nothing, problem, type Findings } from "./findings";

const image = "example.com/none:0";

/** Asks the API server about values whose grammar is Kubernetes' own, by a dry run of an object that has them. */
export async function inspectGrammar(cluster: Pick<Cluster, "refusal">, settings: Settings): Promise<Findings> {
  const { namespace, schedule, timeZone, monitoring, monitoringLabels, outposts } = settings;
  const { cronJobPodLabels: labels, cronJobPodAnnotations: annotations } = settings;
  const metadata = { name: "authentik-outpost-shm-dry-run", namespace };
  const ask = async (key: string, object: object): Promise<Findings> => {
    const reason = await cluster.refusal({ metadata, ...object });
    return reason === undefined ? nothing : problem(`${key}: the API server would not take it: ${reason}`);
  };
  const asked: Promise<Findings>[] = [];
  if (outposts.some(hasCronJob)) {
    const askCronJob = (key: string, spec: object, podMetadata = {}) => {
      const podSpec = { restartPolicy: "Never", containers: [{ name: "none", image }] };
      const jobTemplate = { spec: { template: { metadata: podMetadata, spec: podSpec } } };
      const object = { apiVersion: "batch/v1", kind: "CronJob", spec: { schedule: "@hourly", ...spec, jobTemplate } };
      asked.push(ask(key, object));
    };
    askCronJob("schedule", { schedule });
    if (timeZone !== undefined) askCronJob("timeZone", { timeZone });
    if (!isEmpty(labels)) askCronJob("cronJobPodLabels", {}, { labels });
    if (!isEmpty(annotations)) askCronJob("cronJobPodAnnotations", {}, { annotations });
  }
  if (monitoring && !isEmpty(monitoringLabels)) {
    const labelled = { ...metadata, labels: monitoringLabels };
    asked.push(ask("monitoringLabels", { apiVersion: "v1", kind: "ConfigMap", metadata: labelled }));
  }
  return merge(await Promise.all(asked));
}

const isEmpty = (object: object): boolean => Object.keys(object).length === 0;
