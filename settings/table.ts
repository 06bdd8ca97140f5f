import { outpostContainer } from "../authentik/names";
import { loginPercent } from "../cleaner/scriptNumbers";
import { duration, flag, labels, optional, percent, row, sweepDuration, sweepPercent } from "./row";
import { choiceOf } from "./values/choice";
import { parseDnsLabel, parseImage, parseSecretNames } from "./values/kubernetes";
import { fromText, parseInteger, parseText } from "./values/parsed";
import { parseSize } from "./values/size";
import { parseAuthentikUrl, parseRunbookUrl } from "./values/url";
import { parseUser } from "./values/user";

const solutions = ["sidecar", "cronjob", "both", "none"] as const;
/** A cure for a full /dev/shm: a sidecar, a CronJob, both, or nothing of ours at all. */
export type Solution = (typeof solutions)[number];

const deliveries = ["deployment", "admission", "authentik"] as const;
/**
 * The sidecar's way to the pods: server-side apply of the Deployment, an admission policy, or the outpost's own JSON patch through
 * authentik's API.
 */
export type Delivery = (typeof deliveries)[number];

/** Settings of one outpost. The stack's value applies to all of them, and an entry of `outposts` overrides it for one. */
export const outpostRows = {
  solution: row({
    default: "sidecar",
    read: choiceOf(solutions),
    text: `The cure: \`sidecar\` (a larger /dev/shm and a container that sweeps it), \`cronjob\` (a sweep by exec on a schedule), \`both\`, or \`none\` (everything of ours is removed).`,
    restartsPods: "when the sidecar comes or goes",
  }),
  delivery: row({
    default: "deployment",
    read: choiceOf(deliveries),
    text: "The sidecar's way to the pods: `deployment` patches the Deployment, `admission` each pod as it is created (Kubernetes 1.36 and later), `authentik` the outpost's config over authentik's API. [delivery.md](delivery.md) compares them.",
    restartsPods: "when it changes to or from `admission`",
  }),
  container: row({
    default: outpostContainer,
    read: parseDnsLabel,
    text: "The outpost's own container in its pods, as authentik names it; a Deployment made by hand may have another.",
    restartsPods: "yes",
  }),
  shmSize: row({
    default: "256Mi",
    read: fromText(parseSize),
    text: "Size of /dev/shm with the sidecar, a Kubernetes quantity from `64Mi` to `16Gi`. A session takes 4 KiB: 256Mi hold 65,536. Each pod has its own. A memory limit of the outpost must be at least 64Mi above this size.",
    restartsPods: "yes",
    toldApart: true,
  }),
  // With a shorter interval the sweeps of a full volume would hardly pause.
  sweepInterval: sweepDuration("SWEEP_INTERVAL_SECONDS", ["5s", "24h"], {
    text: "Time between two sweeps of the sidecar, `5s` to `24h`. After a sweep that removed nothing it is at least a second for every 33 files. Whatever it is, a sweep follows within seconds once `highWatermark` is reached.",
  }),
  // Not shorter than a cookie lives (24 h by authentik's defaults): a visitor whose session is gone before may have to log in twice.
  anonymousMaxAge: sweepDuration("ANONYMOUS_MAX_AGE_SECONDS", ["1m", "8760h"], {
    text: "Age at which a session that nobody logged in with is removed, `1m` to `8760h`. Before its cookie ends this can cost a person a second login ([below](#early-removal)).",
  }),
  // authentik's own default for a proxy provider's access token validity is 24 hours.
  authenticatedMaxAge: sweepDuration("AUTHENTICATED_MAX_AGE_SECONDS", ["1m", "8760h"], {
    text: "Age at which any session is removed, `1m` to `8760h`, unless it says itself that it lives longer (outposts from 2026.8 on). Keep it at or above the provider's access token validity, or people are logged out early.",
  }),
  highWatermark: sweepPercent("HIGH_WATERMARK_PERCENT", {
    text: "Percent of /dev/shm in use from which sessions are removed before their time, the oldest anonymous ones first, 1 to 99.",
  }),
  lowWatermark: sweepPercent("LOW_WATERMARK_PERCENT", {
    text: "Percent in use at which that early removal stops, 1 to 99 and below `highWatermark`.",
  }),
  cleanerImage: row({
    default: "docker.io/library/busybox:1.37",
    read: parseImage,
    text: "Image of the sidecar, with tag or digest; any with busybox, or with a POSIX sh, awk, setsid and the GNU tools. The metrics require busybox's `httpd` and `nc`.",
    restartsPods: "yes",
  }),
  runAsUser: row({
    default: "1000",
    read: parseUser,
    text: "User id the outpost runs as, as in authentik's image; never 0. Only a file's owner may remove it from /dev/shm. `cluster` leaves it to the cluster, as on OpenShift, which assigns one to each namespace.",
    restartsPods: "yes",
  }),
};

/** Settings of the whole stack. */
export const stackRows = {
  namespace: row({
    read: parseDnsLabel,
    text: "Namespace of the outposts, e.g. `authentik`. One stack serves one namespace.",
    restartsPods: "when it changes, those in the former one",
  }),
  schedule: row({
    default: "0 * * * *",
    // The grammar of cron lines is Kubernetes' own: the preflight asks the API server about it.
    read: fromText((text) => ({ value: text.trim().replace(/\s+/g, " ") })),
    text: "Times of the CronJob: five fields, or a macro such as `@hourly`. No seconds, Sunday is 0. They are times of the control plane, usually UTC, unless `timeZone` is set.",
  }),
  timeZone: optional(parseText, {
    text: "Time zone of `schedule`, by its IANA name, e.g. `Europe/Berlin`. Kubernetes 1.27 and later.",
  }),
  kubectlImage: row({
    default: "docker.io/alpine/kubectl:1.34.2",
    read: parseImage,
    text: "Image of the CronJob, with tag or digest, with kubectl and a shell in it.",
  }),
  suspend: flag(false, {
    text: "Deploys the CronJob suspended, so that it can be switched on at once, or started by hand: `kubectl create job --from`. There are no alerts on it then.",
  }),
  imagePullSecrets: row({
    default: "",
    type: "string[]",
    read: parseSecretNames,
    text: "Secrets that the CronJob's pods pull `kubectlImage` with, by name, with commas between. The sidecar's image is pulled with [those of the outpost's pods](#strict-clusters).",
  }),
  cronJobPodLabels: labels({
    text: "Labels of the CronJob's pods beside ours: `team=auth`; several with commas between.",
  }),
  cronJobPodAnnotations: labels({
    text: "Annotations of the CronJob's pods: `linkerd.io/inject=disabled`; several with commas between.",
  }),
  restrictExec: flag(true, {
    text: "A ValidatingAdmissionPolicy restricts the CronJob's account to the sweep; RBAC alone would let it run any command in a pod. Kubernetes 1.30 and later; a warning says so if the cluster has none. Requires the right to create such policies, cluster-wide; without it `pulumi up` stops before any change.",
  }),
  monitoring: flag(false, {
    text: "Creates a PodMonitor, alerts and a dashboard ([monitoring.md](monitoring.md)).",
  }),
  podMonitor: flag(true, {
    text: "With `monitoring`: a PodMonitor by which Prometheus finds the sidecars. Needs the Prometheus operator.",
  }),
  alerts: flag(true, {
    text: "With `monitoring`: a PrometheusRule with alerts on what is deployed. Needs the Prometheus operator, and kube-state-metrics for those on the CronJob and, with `delivery: admission`, on pods without a sidecar. Without kube-state-metrics, an outpost scaled to zero counts as missing.",
  }),
  dashboard: flag(true, {
    text: 'With `monitoring`: a ConfigMap with a dashboard, which Grafana\'s dashboard sidecar finds by its label `grafana_dashboard: "1"`.',
  }),
  monitoringLabels: labels({
    text: "Labels of these objects, by which your Prometheus and Grafana select them: `release=kube-prometheus-stack`; several with commas between.",
  }),
  usageWarning: percent(80, {
    text: "Percent of /dev/shm in use above which an alert warns, 1 to 99. Not above `usageCritical`, and not below the `highWatermark` of any sidecar, up to which nothing is wrong.",
  }),
  // From this level on the sweep removes logins too.
  usageCritical: percent(loginPercent, {
    text: "Percent in use above which that alert is critical, 1 to 99. A run of the CronJob that leaves a pod with as much or more fails, so it must not be below the `highWatermark` of any outpost that the CronJob sweeps.",
  }),
  // Three quarters of the sessions that 256Mi hold. 16Gi hold four million.
  sessionFilesWarning: row({
    default: 50_000,
    read: (value) => parseInteger(value, 1_000, 4_194_304),
    text: "Session files in one pod above which an alert warns, 1000 to 4194304.",
  }),
  runbookUrl: row({
    default: "docs/runbooks",
    read: parseRunbookUrl,
    text: "Address under which `docs/runbooks` of your clone can be read; each alert links its runbook there. Unless set, an alert's description names the file in this repository.",
  }),
  preflight: row({
    default: "required",
    read: choiceOf(["required", "optional"]),
    text: "With `optional`, a preview that can't reach the cluster shows the plan all the same, and warns of what it could not look at ([ci.md](ci.md#previews-without-a-cluster)). An update always looks first: if it can't, it fails and changes nothing.",
  }),
  verify: flag(false, {
    text: "Ends `pulumi up` by checking that the cure took (`outpost-shm verify`, [cli.md](cli.md)), and fails it if it did not; the next `pulumi up` checks again. Starts a run of the CronJob if there is one, which requires the right to create Jobs.",
  }),
  // Time for a rollout and a run of the CronJob, which its own deadline ends after 15 minutes.
  verifyTimeout: duration("10m", ["10s", "1h"], {
    text: "Longest wait of `pulumi up` for the rollout of the sidecar, and with `verify` for the first sweep and the run of the CronJob, before it fails, `10s` to `1h`. It ends earlier if the rollout can't succeed: an image that can't be pulled, a pod that Kubernetes refuses.",
  }),
  authentikUrl: optional(parseAuthentikUrl, {
    text: "Base URL of authentik, e.g. `https://auth.example.com`. Needed with `delivery: authentik`.",
  }),
};

/** Keys that are read by rules of their own. */
export const specialRows = {
  outposts: {
    text: "The proxy outposts, by name as authentik shows it, or as objects ([below](#one-outpost-differs)). No two of the same name or Deployment.",
    restartsPods: "when one is added or removed, its pods",
  },
  authentikToken: {
    default: "",
    text: "API token of authentik, allowed to view and change outposts. Needed with `delivery: authentik`. Only as a secret: `pulumi config set --secret authentikToken`.",
  },
};

/** Settings that decide which resources exist. Their values can't come from another resource. */
export const structuralKeys = [
  "name",
  "deployment",
  "solution",
  "delivery",
  "restrictExec",
  "monitoring",
  "podMonitor",
  "alerts",
  "dashboard",
] as const;

/** Keys that an object in `outposts` may have. */
export const outpostKeys: readonly string[] = ["name", "deployment", ...Object.keys(outpostRows)];

/** Every key of the stack's config, in reading order. */
export const stackKeys: readonly string[] = [
  "namespace",
  "outposts",
  ...Object.keys(outpostRows),
  ...Object.keys(stackRows).filter((key) => key !== "namespace"),
  "authentikToken",
];
