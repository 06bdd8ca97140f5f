import { outpostContainer } from "../authentik/names";
import { loginPercent, sweepDefault } from "../cleaner/constants";
import { parseAuthentikUrl } from "./values/authentikUrl";
import { choiceOf } from "./values/choice";
import { parseDnsLabel } from "./values/dnsLabel";
import { formatDuration, parseDuration, seconds } from "./values/duration";
import { parseImage } from "./values/image";
import { parseLabels } from "./values/labels";
import { fromText, type Parsed, parseBoolean, parseInteger } from "./values/parsed";
import { parseRunbookUrl } from "./values/runbookUrl";
import { parseSecretNames } from "./values/secretNames";
import { parseSize } from "./values/size";
import { parseUser } from "./values/user";

/** One setting. `npm run generate` writes Pulumi.yaml and docs/settings.md from its row; a new setting is a new row. */
export interface Row<T> {
  /**
   * The default as an operator writes it. Empty text means not set, undefined means required. Pulumi.yaml declares the same
   * default, since the engine refuses a stack that lacks a key declared without one.
   */
  readonly default?: string | number | boolean;
  /** Checks a value and turns it into its one canonical form. */
  readonly read: (value: unknown) => Parsed<T>;
  /** Its meaning, in Markdown, with the bounds. */
  readonly text: string;
  /** Condition under which a change restarts the outpost's pods. Default: never. */
  readonly restartsPods?: string;
  /** The TypeScript type of the component's argument. Default: that of the default value. */
  readonly type?: string;
  /** True if a value of the stack must be told from the default: Pulumi.yaml then declares empty text, which means not set. */
  readonly toldApart?: true;
  /** The sweep's own name of it, and its value for cleaner/sweep.sh. */
  readonly shell?: { readonly name: string; value(value: T): number };
}

export type Rows = Readonly<Record<string, Row<unknown>>>;
export type ValuesOf<R extends Rows> = { -readonly [K in keyof R]: R[K] extends Row<infer T> ? T : never };

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
    read: fromText(parseDnsLabel),
    text: "The outpost's own container in its pods, as authentik names it; a Deployment made by hand may have another.",
    restartsPods: "yes",
  }),
  // A container runtime gives 64 MiB anyway, and 16 GiB hold four million sessions.
  shmSize: row({
    default: "256Mi",
    read: fromText((text) => parseSize(text, "64Mi", "16Gi")),
    text: "Size of /dev/shm with the sidecar, a Kubernetes quantity from `64Mi` to `16Gi`. A session takes 4 KiB: 256Mi hold 65,536. An outpost with a memory limit needs a limit above it.",
    restartsPods: "yes",
    toldApart: true,
  }),
  // With a shorter interval the sweeps of a full volume would hardly pause.
  sweepInterval: sweepDuration("SWEEP_INTERVAL_SECONDS", ["5s", "24h"], {
    text: "Time between two sweeps of the sidecar, `5s` to `24h`. Whatever it is, a sweep follows within seconds once `highWatermark` is reached.",
  }),
  // Not shorter than a cookie lives (24 h by authentik's defaults): a visitor whose session is gone before may have to log in twice.
  anonymousMaxAge: sweepDuration("ANONYMOUS_MAX_AGE_SECONDS", ["1m", "8760h"], {
    text: "Age at which a session that nobody logged in with is removed, `1m` to `8760h`. Before its cookie ends this can cost a person a second login ([below](#early-removal)).",
  }),
  // authentik's own default for a proxy provider's access token validity is 24 hours.
  authenticatedMaxAge: sweepDuration("AUTHENTICATED_MAX_AGE_SECONDS", ["1m", "8760h"], {
    text: "Age at which any session is removed, `1m` to `8760h`, unless it says itself that it lives longer (outposts from 2026.8 on). Keep it at or above the provider's access token validity, or people are logged out early.",
  }),
  highWatermark: percent(sweepDefault("HIGH_WATERMARK_PERCENT"), {
    text: "Percent of /dev/shm in use from which sessions are removed before their time, the oldest anonymous ones first, 1 to 99.",
    shell: { name: "HIGH_WATERMARK_PERCENT", value: Number },
  }),
  lowWatermark: percent(sweepDefault("LOW_WATERMARK_PERCENT"), {
    text: "Percent in use at which that ends, 1 to 99 and below `highWatermark`.",
    shell: { name: "LOW_WATERMARK_PERCENT", value: Number },
  }),
  cleanerImage: row({
    default: "docker.io/library/busybox:1.37",
    read: fromText(parseImage),
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
    read: fromText(parseDnsLabel),
    text: "Namespace of the outposts, e.g. `authentik`. One stack serves one namespace.",
  }),
  schedule: row({
    default: "0 * * * *",
    // The grammar of cron lines is Kubernetes' own: the preflight asks the API server about it.
    read: fromText((text) => ({ value: text.trim().replace(/\s+/g, " ") })),
    text: "Times of the CronJob: five fields, or a macro such as `@hourly`. No seconds, Sunday is 0. They are times of the control plane, usually UTC, unless `timeZone` is set.",
  }),
  timeZone: row({
    default: "",
    read: unlessEmpty(fromText((text) => ({ value: text }))),
    text: "Time zone of `schedule`, by its IANA name, e.g. `Europe/Berlin`. Kubernetes 1.27 and later.",
  }),
  kubectlImage: row({
    default: "docker.io/alpine/kubectl:1.34.2",
    read: fromText(parseImage),
    text: "Image of the CronJob, with tag or digest, with kubectl and a shell in it.",
  }),
  suspend: row({
    default: false,
    read: parseBoolean,
    text: "Has the CronJob there but switched off, so that it can be switched on at once, or started by hand: `kubectl create job --from`. There are no alerts on it then.",
  }),
  imagePullSecrets: row({
    default: "",
    type: "string[]",
    read: parseSecretNames,
    text: "Secrets that the CronJob's pods pull `kubectlImage` with, by name, with commas between. The sidecar's image is pulled with [those of the outpost's pods](#strict-clusters).",
  }),
  cronJobPodLabels: row({
    default: "",
    type: "Record<string, string>",
    read: parseLabels,
    text: "Labels of the CronJob's pods beside ours: `team=auth`; several with commas between.",
  }),
  cronJobPodAnnotations: row({
    default: "",
    type: "Record<string, string>",
    read: parseLabels,
    text: "Annotations of the CronJob's pods: `linkerd.io/inject=disabled`; several with commas between.",
  }),
  restrictExec: row({
    default: true,
    read: parseBoolean,
    text: "Has the cluster refuse every command but the sweep that the CronJob's account would run in a pod, by a ValidatingAdmissionPolicy: `pods/exec` by RBAC alone allows any. Kubernetes 1.30 and later; a warning says so if the cluster has none. Creating one requires the right to, cluster-wide; without it `pulumi up` stops before any change.",
  }),
  monitoring: row({
    default: false,
    read: parseBoolean,
    text: "Creates a PodMonitor, alerts and a dashboard ([monitoring.md](monitoring.md)).",
  }),
  podMonitor: row({
    default: true,
    read: parseBoolean,
    text: "With `monitoring`: a PodMonitor by which Prometheus finds the sidecars. Needs the Prometheus operator.",
  }),
  alerts: row({
    default: true,
    read: parseBoolean,
    text: "With `monitoring`: a PrometheusRule with alerts on what is deployed. Needs the Prometheus operator, and kube-state-metrics for those on the CronJob and, with `delivery: admission`, on pods without a sidecar. Without it, an outpost scaled to zero counts as missing.",
  }),
  dashboard: row({
    default: true,
    read: parseBoolean,
    text: 'With `monitoring`: a ConfigMap with a dashboard, which Grafana\'s dashboard sidecar finds by its label `grafana_dashboard: "1"`.',
  }),
  monitoringLabels: row({
    default: "",
    type: "Record<string, string>",
    read: parseLabels,
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
    read: fromText(parseRunbookUrl),
    text: "Address under which `docs/runbooks` of your clone can be read; each alert links its runbook there. Unless set, an alert's description names the file in this repository.",
  }),
  preflight: row({
    default: "required",
    read: choiceOf(["required", "optional"]),
    text: "With `optional`, a preview that can't reach the cluster shows the plan all the same, and warns of what it could not look at ([ci.md](ci.md#previews-without-a-cluster)). An update always looks first: if it can't, it fails and changes nothing.",
  }),
  verify: row({
    default: false,
    read: parseBoolean,
    text: "Ends `pulumi up` by checking that the cure took (`outpost-shm verify`, [cli.md](cli.md)), and fails it if it did not; the next `pulumi up` checks again. Starts a run of the CronJob if there is one, which requires the right to create Jobs.",
  }),
  // Time for a rollout and a run of the CronJob, which its own deadline ends after 15 minutes.
  verifyTimeout: duration("10m", ["10s", "1h"], {
    text: "Longest wait of `pulumi up` for the rollout of the sidecar, and with `verify` for the first sweep and the run of the CronJob, before it fails, `10s` to `1h`. It ends earlier if the rollout can't succeed: an image that can't be pulled, a pod that Kubernetes refuses.",
  }),
  authentikUrl: row({
    default: "",
    read: unlessEmpty(fromText(parseAuthentikUrl)),
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

function row<T>(row: Row<T>): Row<T> {
  return row;
}

function duration(
  standard: string,
  [shortest, longest]: [string, string],
  rest: Omit<Row<string>, "default" | "read">,
) {
  const read = fromText((text): Parsed<string> => {
    const parsed = parseDuration(text, shortest, longest);
    return "wrong" in parsed ? parsed : { value: formatDuration(parsed.value) };
  });
  return row({ default: standard, read, ...rest });
}

/** Makes the row of a duration of the sweep, whose script has the default. */
function sweepDuration(name: string, bounds: [string, string], rest: { text: string }) {
  return duration(formatDuration(sweepDefault(name)), bounds, { ...rest, shell: { name, value: seconds } });
}

function percent(standard: number, rest: Omit<Row<number>, "default" | "read">) {
  const read = (value: unknown): Parsed<number> => {
    const parsed = parseInteger(value, 1, 99);
    return "wrong" in parsed ? { wrong: `${parsed.wrong} (percent, without a sign)` } : parsed;
  };
  return row({ default: standard, read, ...rest });
}

/** Reads empty text, the default of an optional setting, as not set. */
function unlessEmpty<T>(read: (value: unknown) => Parsed<T>): (value: unknown) => Parsed<T | undefined> {
  return (value) => (value === "" ? { value: undefined } : read(value));
}
