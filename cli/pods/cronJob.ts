import { cronJobName } from "../../cleaner/names";
import type { V1CronJob } from "@kubernetes/client-node" with { "resolution-mode": "import" };

/** The command by which it runs again after it was suspended. @param kubectl as {@link Target} has it */
export const resumeCronJob = (kubectl: string): string =>
  `${kubectl} patch cronjob ${cronJobName} -p '{"spec":{"suspend":false}}'`;

/** Slugs of the outposts that the CronJob sweeps, as its own container is told them. */
export function sweptOutposts(cronJob: V1CronJob): string[] {
  const containers = cronJob.spec?.jobTemplate.spec?.template.spec?.containers ?? [];
  const lines = containers.flatMap(({ env }) => env?.find(({ name }) => name === "OUTPOSTS")?.value?.split("\n") ?? []);
  return lines.map((line) => line.split(" ")[0]).filter((slug) => slug !== "");
}
