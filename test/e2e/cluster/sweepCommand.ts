// The CronJob, the one command that its account may run in a pod, and the refusal of any other.
import { cronJobName } from "../../../cleaner/names";
import { cleanerScripts } from "../../../cleaner/scripts";
import { refusal } from "../../../components/cronjob/execPolicy";

/** A schedule by which the CronJob does not run while tests do: only a leap year has that day. */
export const NO_SCHEDULE = "0 0 29 2 *";

/** The sweep with the settings of an outpost that has none of its own. */
export const SWEEP_COMMAND = [
  "sh",
  "-c",
  cleanerScripts().sweep,
  "sweep",
  "SWEEP_INTERVAL_SECONDS=300",
  "ANONYMOUS_MAX_AGE_SECONDS=86400",
  "AUTHENTICATED_MAX_AGE_SECONDS=86400",
  "HIGH_WATERMARK_PERCENT=80",
  "LOW_WATERMARK_PERCENT=60",
];

/** Returns kubectl's error if the policy of the CronJob in `namespace` refuses an exec. */
export function refusedExec(pod: string, namespace: string): string {
  const policy = `${cronJobName}-${namespace}`;
  return `error: unable to upgrade connection: pods "${pod}" is forbidden: ValidatingAdmissionPolicy '${policy}' with binding '${policy}' denied request: ${refusal}\n`;
}
