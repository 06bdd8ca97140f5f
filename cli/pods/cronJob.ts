import type { V1CronJob } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { cronJobName } from "../../cleaner/names";

/** Returns the command that resumes a suspended CronJob. @param kubectl with its flags, as in {@link Target} */
export const resumeCronJob = (kubectl: string): string =>
  `${kubectl} patch cronjob ${cronJobName} -p '{"spec":{"suspend":false}}'`;

/** Returns the Deployments whose pods the CronJob sweeps, from the environment of its own container. */
export function sweptDeployments(cronJob: V1CronJob): string[] {
  const containers = cronJob.spec?.jobTemplate.spec?.template.spec?.containers ?? [];
  const lines = containers.flatMap(({ env }) => env?.find(({ name }) => name === "OUTPOSTS")?.value?.split("\n") ?? []);
  return lines.map((line) => line.split(" ")[0]).filter((deployment) => deployment !== "");
}
