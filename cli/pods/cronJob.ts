import type { V1CronJob } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { objectName } from "../../components/cronjob/names";

/** Name of our CronJob, and of the account it runs as: one of each a namespace. */
export const sweepCronJob = objectName;

/** Slugs of the outposts that the CronJob sweeps, as its own container is told them. */
export function sweptOutposts(cronJob: V1CronJob): string[] {
  const containers = cronJob.spec?.jobTemplate.spec?.template.spec?.containers ?? [];
  const lines = containers.flatMap(({ env }) => env?.find(({ name }) => name === "OUTPOSTS")?.value?.split("\n") ?? []);
  return lines.map((line) => line.split(" ")[0]).filter((slug) => slug !== "");
}
