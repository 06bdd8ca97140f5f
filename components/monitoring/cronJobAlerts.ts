import { fullAnywhere } from "../../authentik/releases";
import { latestEndSeconds } from "../cronjob/cronJobSpec";
import type { Alert } from "./alertRule";

/** Makes the alerts on a CronJob, by the metrics of kube-state-metrics, which has to run in the cluster. */
export function cronJobAlerts(namespace: string, cronjob: string): Alert[] {
  const selector = `namespace="${namespace}",cronjob="${cronjob}"`;
  const where = `CronJob ${namespace}/${cronjob}`;
  const jobs = `namespace="${namespace}",job_name=~"${cronjob}-[0-9]+"`;
  const lastFailure = `kube_job_created{${jobs}} and on (namespace, job_name) kube_job_failed{${jobs},condition="true"} == 1`;
  // A CronJob that never succeeded has no such time.
  const lastSuccess = `kube_cronjob_status_last_successful_time{${selector}} or kube_cronjob_created{${selector}}`;
  const late = `time() - kube_cronjob_next_schedule_time{${selector}} > ${latestEndSeconds}`;
  return [
    {
      name: "CronJobFailed",
      severity: "warning",
      // Only if no run has succeeded since the failed one: a failed Job is kept until three more have failed.
      expr: `max by (namespace) (${lastFailure}) > on (namespace) max by (namespace) (${lastSuccess})`,
      for: "1m",
      labels: { cronjob },
      summary: "The CronJob that sweeps the outposts' /dev/shm has failed.",
      description:
        `The last run of ${where} failed: at least one outpost pod was not swept, or its /dev/shm is still nearly full. ` +
        `Once it is full, ${fullAnywhere}.`,
    },
    {
      name: "CronJobNotRun",
      severity: "warning",
      expr: `${late} or kube_cronjob_spec_suspend{${selector}} == 1`,
      for: "5m",
      summary: "The CronJob that sweeps the outposts' /dev/shm does not run.",
      description: `${where} is suspended or has missed its schedule: the outposts' /dev/shm fills up unswept.`,
    },
  ];
}
