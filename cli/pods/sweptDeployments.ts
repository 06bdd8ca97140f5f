import type { V1CronJob } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { cronJobName } from "../../cleaner/names";
import type { Cluster } from "../../kubernetes/cluster";
import { ifForbidden } from "../../kubernetes/connection";

/** Returns the Deployments whose pods the CronJob sweeps, from the environment of its own container. */
export function sweptDeployments(cronJob: V1CronJob | undefined): string[] {
  const containers = cronJob?.spec?.jobTemplate.spec?.template.spec?.containers ?? [];
  const lines = containers.flatMap(({ env }) => env?.find(({ name }) => name === "OUTPOSTS")?.value?.split("\n") ?? []);
  return lines.map((line) => line.split(" ")[0]).filter((deployment) => deployment !== "");
}

/** Returns those of the namespace's CronJob; none if it may not be read, since few commands require that right. */
export async function sweptIn(cluster: Cluster, namespace: string): Promise<string[]> {
  return sweptDeployments(await cluster.cronJob(namespace, cronJobName).catch(ifForbidden(undefined)));
}
