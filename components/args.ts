// Written by `npm run generate` from settings/table.ts.
import type * as pulumi from "@pulumi/pulumi";

/** Settings that an outpost may have of its own. Those of the stack hold for all others. */
export interface SharedArgs {
  /** The cure: `sidecar` (a larger /dev/shm and a container that sweeps it), `cronjob` (a sweep by exec on a schedule), `both`, or `none` (everything of ours is removed). Default: `sidecar`. */
  solution?: string;
  /** The sidecar's way to the pods: `deployment` patches the Deployment, `admission` each pod as it is created (Kubernetes 1.36 and later), `authentik` the outpost's config over authentik's API. docs/delivery.md compares them. Default: `deployment`. */
  delivery?: string;
  /** The outpost's own container in its pods, as authentik names it; a Deployment made by hand may have another. Default: `proxy`. */
  container?: pulumi.Input<string>;
  /** Size of /dev/shm with the sidecar, a Kubernetes quantity from `64Mi` to `16Gi`. A session takes 4 KiB: 256Mi hold 65,536. Each pod has its own. A memory limit of the outpost must be at least 64Mi above this size. Default: `256Mi`. */
  shmSize?: pulumi.Input<string>;
  /** Time between two sweeps of the sidecar, `5s` to `24h`. After a sweep that removed nothing it is at least a second for every 33 files. Whatever it is, a sweep follows within seconds once `highWatermark` is reached. Default: `5m`. */
  sweepInterval?: pulumi.Input<string>;
  /** Age at which a session that nobody logged in with is removed, `1m` to `8760h`. Before its cookie ends this can cost a person a second login. Default: `24h`. */
  anonymousMaxAge?: pulumi.Input<string>;
  /** Age at which any session is removed, `1m` to `8760h`, unless it says itself that it lives longer (outposts from 2026.8 on). Keep it at or above the provider's access token validity, or people are logged out early. Default: `24h`. */
  authenticatedMaxAge?: pulumi.Input<string>;
  /** Percent of /dev/shm in use from which sessions are removed before their time, the oldest anonymous ones first, 1 to 99. Default: `80`. */
  highWatermark?: pulumi.Input<number>;
  /** Percent in use at which that early removal stops, 1 to 99 and below `highWatermark`. Default: `60`. */
  lowWatermark?: pulumi.Input<number>;
  /** Image of the sidecar, with tag or digest; any with busybox, or with a POSIX sh, awk, setsid and the GNU tools. The metrics require busybox's `httpd` and `nc`. Default: `docker.io/library/busybox:1.37`. */
  cleanerImage?: pulumi.Input<string>;
  /** User id the outpost runs as, as in authentik's image; never 0. Only a file's owner may remove it from /dev/shm. `cluster` leaves it to the cluster, as on OpenShift, which assigns one to each namespace. Default: `1000`. */
  runAsUser?: pulumi.Input<string>;
}

/** One outpost. */
export interface OutpostArgs extends SharedArgs {
  /** The name as authentik shows it. */
  name: string;
  /** The outpost's Deployment. Default: the name that authentik gives it, `ak-outpost-` and the name's slug. */
  deployment?: string;
}

/** Settings of the whole namespace. */
export interface StackArgs extends SharedArgs {
  /** Namespace of the outposts, e.g. `authentik`. One stack serves one namespace. */
  namespace: pulumi.Input<string>;
  /** Times of the CronJob: five fields, or a macro such as `@hourly`. No seconds, Sunday is 0. They are times of the control plane, usually UTC, unless `timeZone` is set. Default: `0 * * * *`. */
  schedule?: pulumi.Input<string>;
  /** Time zone of `schedule`, by its IANA name, e.g. `Europe/Berlin`. Kubernetes 1.27 and later. */
  timeZone?: pulumi.Input<string>;
  /** Image of the CronJob, with tag or digest, with kubectl and a shell in it. Default: `docker.io/alpine/kubectl:1.34.2`. */
  kubectlImage?: pulumi.Input<string>;
  /** Deploys the CronJob suspended, so that it can be switched on at once, or started by hand: `kubectl create job --from`. There are no alerts on it then. Default: `false`. */
  suspend?: pulumi.Input<boolean>;
  /** Secrets that the CronJob's pods pull `kubectlImage` with, by name, with commas between. The sidecar's image is pulled with those of the outpost's pods. */
  imagePullSecrets?: pulumi.Input<string[]>;
  /** Labels of the CronJob's pods beside ours: `team=auth`; several with commas between. */
  cronJobPodLabels?: pulumi.Input<Record<string, string>>;
  /** Annotations of the CronJob's pods: `linkerd.io/inject=disabled`; several with commas between. */
  cronJobPodAnnotations?: pulumi.Input<Record<string, string>>;
  /** A ValidatingAdmissionPolicy restricts the CronJob's account to the sweep; RBAC alone would let it run any command in a pod. Kubernetes 1.30 and later; a warning says so if the cluster has none. Requires the right to create such policies, cluster-wide; without it `pulumi up` stops before any change. Default: `true`. */
  restrictExec?: boolean;
  /** Creates a PodMonitor, alerts and a dashboard (docs/monitoring.md). Default: `false`. */
  monitoring?: boolean;
  /** With `monitoring`: a PodMonitor by which Prometheus finds the sidecars. Needs the Prometheus operator. Default: `true`. */
  podMonitor?: boolean;
  /** With `monitoring`: a PrometheusRule with alerts on what is deployed. Needs the Prometheus operator, and kube-state-metrics for those on the CronJob and, with `delivery: admission`, on pods without a sidecar. Without kube-state-metrics, an outpost scaled to zero counts as missing. Default: `true`. */
  alerts?: boolean;
  /** With `monitoring`: a ConfigMap with a dashboard, which Grafana's dashboard sidecar finds by its label `grafana_dashboard: "1"`. Default: `true`. */
  dashboard?: boolean;
  /** Labels of these objects, by which your Prometheus and Grafana select them: `release=kube-prometheus-stack`; several with commas between. */
  monitoringLabels?: pulumi.Input<Record<string, string>>;
  /** Percent of /dev/shm in use above which an alert warns, 1 to 99. Not above `usageCritical`, and not below the `highWatermark` of any sidecar, up to which nothing is wrong. Default: `80`. */
  usageWarning?: pulumi.Input<number>;
  /** Percent in use above which that alert is critical, 1 to 99. A run of the CronJob that leaves a pod with as much or more fails, so it must not be below the `highWatermark` of any outpost that the CronJob sweeps. Default: `95`. */
  usageCritical?: pulumi.Input<number>;
  /** Session files in one pod above which an alert warns, 1000 to 4194304. Default: `50000`. */
  sessionFilesWarning?: pulumi.Input<number>;
  /** Address under which `docs/runbooks` of your clone can be read; each alert links its runbook there. Unless set, an alert's description names the file in this repository. Default: `docs/runbooks`. */
  runbookUrl?: pulumi.Input<string>;
  /** Base URL of authentik, e.g. `https://auth.example.com`. Needed with `delivery: authentik`. */
  authentikUrl?: pulumi.Input<string>;
}
