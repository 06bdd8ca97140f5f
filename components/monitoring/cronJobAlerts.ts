import { fullAnywhere } from "../../authentik/versions";
import { latestEndSeconds } from "../cronjob/manifest";
import * as config from "./alertConfig";
import type { Alert } from "./alertRule";

/** Makes the alerts on a CronJob, by the metrics of kube-state-metrics, which has to run in the cluster. */
export function cronJobAlerts(namespace: string, cronjob: string): Alert[] {
  const cronJob = `namespace="${namespace}",cronjob="${cronjob}"`;
  const where = `CronJob ${namespace}/${cronjob}`;
  return [failed({ namespace, cronjob, cronJob, where }), notRun({ cronJob, where })];
}

/** Fires only if no run has succeeded since the failed one: a failed Job is kept until three more have failed. */
function failed({
  namespace,
  cronjob,
  cronJob,
  where,
}: Record<"namespace" | "cronjob" | "cronJob" | "where", string>): Alert {
  const jobs = `namespace="${namespace}",job_name=~"${cronjob}-[0-9]+"`;
  const lastFailure = `kube_job_created{${jobs}} and on (namespace, job_name) kube_job_failed{${jobs},condition="true"} == 1`;
  // A CronJob that never succeeded has no such time.
  const lastSuccess = `kube_cronjob_status_last_successful_time{${cronJob}} or kube_cronjob_created{${cronJob}}`;
  return {
    name: "CronJobFailed",
    severity: "warning",
    expr: `max by (namespace) (${lastFailure}) > on (namespace) max by (namespace) (${lastSuccess})`,
    for: config.patience.cronJobFailed,
    labels: { cronjob },
    summary: "The CronJob that sweeps the outposts' /dev/shm has failed.",
    description:
      `The last run of ${where} failed: at least one outpost pod was not swept, or its /dev/shm is still nearly full. ` +
      `Once it is full, ${fullAnywhere}.`,
  };
}

function notRun({ cronJob, where }: Record<"cronJob" | "where", string>): Alert {
  const late = `time() - kube_cronjob_next_schedule_time{${cronJob}} > ${latestEndSeconds}`;
  return {
    name: "CronJobNotRun",
    severity: "warning",
    expr: `${late} or kube_cronjob_spec_suspend{${cronJob}} == 1`,
    for: config.patience.cronJobNotRun,
    summary: "The CronJob that sweeps the outposts' /dev/shm does not run.",
    description: `${where} is suspended or has missed its schedule: the outposts' /dev/shm fills up unswept.`,
  };
}
