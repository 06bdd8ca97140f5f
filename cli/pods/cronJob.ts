import type { V1CronJob } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { objectName } from "../../components/cronjob/names";

/** Name of our CronJob, and of the account it runs as: one of each a namespace. */
export const sweepCronJob = objectName;

/** The command by which it runs again after it was suspended. @param kubectl as {@link Target} has it */
export const resumeCronJob = (kubectl: string): string =>
  `${kubectl} patch cronjob ${sweepCronJob} -p '{"spec":{"suspend":false}}'`;

/** Slugs of the outposts that the CronJob sweeps, as its own container is told them. */
export function sweptOutposts(cronJob: V1CronJob): string[] {
  const containers = cronJob.spec?.jobTemplate.spec?.template.spec?.containers ?? [];
  const lines = containers.flatMap(({ env }) => env?.find(({ name }) => name === "OUTPOSTS")?.value?.split("\n") ?? []);
  return lines.map((line) => line.split(" ")[0]).filter((slug) => slug !== "");
}
