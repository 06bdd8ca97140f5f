import { parseAuthentikUrl } from "./values/authentikUrl";
import { parseDnsLabel } from "./values/dnsLabel";
import { OUTPOST_FIELDS, STACK_FIELDS, STACK_KEYS } from "./table";
import { checkLimits } from "./limits";
import { readMonitoring } from "./monitoring";
import { readOutposts } from "./outposts";
import { fromText, parseText } from "./values/parsed";
import { Problems } from "./problems";
import { defaultsOf, isGiven, type Raw, readFields, reportUnknownKeys } from "./readFields";

/** Namespace of the program's keys in a stack file, whatever the project around them is called. */
export const CONFIG_NAMESPACE = "authentik-outpost-shm";

/**
 * How an outpost's /dev/shm is kept from filling. `sidecar` (default): a larger volume and a container that sweeps it;
 * `cronjob`: one CronJob a namespace sweeps by exec; `both`: the CronJob watches the sidecars; `none`: nothing of ours is left.
 */
export type Solution = "sidecar" | "cronjob" | "both" | "none";

/**
 * How the sidecar reaches the Deployment. `deployment` (default): server-side apply on the Deployment itself, no token needed;
 * `authentik`: through the outpost's own `kubernetes_json_patches`, over authentik's API.
 */
export type Delivery = "deployment" | "authentik";

/** What one sweep needs to know. Seconds and whole percents. Changing any of it restarts no pod. */
export interface SweepSettings {
  /** Time between two sweeps of the sidecar; 5 s to 24 h, default 60. The CronJob has its schedule instead. */
  sweepIntervalSeconds: number;
  /** Age at which a session nobody logged in with goes; 1 min to a year, default 3600. */
  anonymousMaxAgeSeconds: number;
  /**
   * Age at which any session goes; 1 min to a year, not below anonymousMaxAgeSeconds, default 86400. Keep it at or above the
   * provider's access token validity (24 h unless changed): below it, people are logged out early.
   */
  authenticatedMaxAgeSeconds: number;
  /** Usage, of bytes or inodes, from which sessions go before their time; 1 to 99, default 80. */
  highWatermarkPercent: number;
  /** Usage at which that ends; 1 to 99 and below highWatermarkPercent, default 60. */
  lowWatermarkPercent: number;
}

/** One outpost, its own settings merged over the stack's. */
export interface OutpostSettings {
  /** The name as authentik shows it: any text. */
  name: string;
  /**
   * authentik's slug of the name, the value of the label `goauthentik.io/outpost-name`, at most 63 characters. Empty for a name
   * without a single ASCII letter or digit, which is allowed only with `deployment` and without a CronJob.
   */
  slug: string;
  /** The outpost's Deployment, unique in the list; default `ak-outpost-<slug>`, as authentik's default object_naming_template has it. */
  deployment: string;
  solution: Solution;
  delivery: Delivery;
  /** Size of /dev/shm, a Kubernetes quantity in canonical form; 64Mi to 16Gi, default 256Mi. */
  shmSize: string;
  sweep: SweepSettings;
  /** Image of the sidecar, with tag or digest; any that has a POSIX sh, find and httpd as busybox has. Default docker.io/library/busybox:1.37. */
  cleanerImage: string;
  /** User id of the outpost's process, never 0: only a file's owner can remove it from /dev/shm. Default 1000, as in authentik's image. */
  runAsUser: number;
  /** true (default): an init container that keeps running (Kubernetes 1.29 and later); false: an ordinary container. */
  nativeSidecar: boolean;
}

/** Where an alert on an outpost's /dev/shm begins. */
export interface AlertThresholds {
  /** Usage above which a warning fires, in percent; 1 to 99, default 80, not below any sidecar's highWatermarkPercent. */
  usageWarningPercent: number;
  /** Usage above which it is critical, in percent; 1 to 99, default 95. */
  usageCriticalPercent: number;
  /** Session files in one pod above which a warning fires; 1,000 to 4,194,304, default 50,000. */
  sessionFiles: number;
}

/** What to create for Prometheus and Grafana. */
export interface MonitoringSettings {
  /** A PodMonitor for the sidecars, where there are any. Default true. */
  podMonitor: boolean;
  /** A PrometheusRule with alerts on what is deployed. Default true. */
  alerts: boolean;
  /** A ConfigMap with a dashboard for Grafana. Default true. */
  dashboard: boolean;
  /** Labels of these objects beside our own, by which the Prometheus operator and Grafana select them. Default none. */
  labels: Record<string, string>;
  thresholds: AlertThresholds;
  /** Where the runbooks can be read: a URL without trailing slash, or `docs/runbooks` (default), their place in this repository. */
  runbookUrl: string;
}

/** The stack's config, every value checked. */
export interface Settings {
  /** Namespace of the outposts, a DNS label. No default. */
  namespace: string;
  /** At least one; no two of the same slug or Deployment. */
  outposts: OutpostSettings[];
  /** When the CronJob runs: a cron line of five fields or a macro such as `@hourly`. Default `0 * * * *`. */
  schedule: string;
  /** Image of the CronJob, with tag or digest and with kubectl and sh in it. Default docker.io/alpine/kubectl:1.34.2. */
  kubectlImage: string;
  /**
   * Whether a ValidatingAdmissionPolicy lets the CronJob's account exec nothing but the sweep, where the cluster has such policies
   * (Kubernetes 1.30 and later). Default true.
   */
  restrictExec: boolean;
  /** What to create for Prometheus and Grafana; nothing unless `monitoring: true`. */
  monitoring?: MonitoringSettings;
  /** Whether `pulumi up` ends by checking that the cure took. Default false. */
  verify: boolean;
  /** How long that check waits for rollout, first sweep and a run of the CronJob, in seconds; 10 s to an hour, default 600. */
  verifyTimeout: number;
  /** Base URL of authentik, without trailing slash; always there when an outpost's delivery is `authentik`. */
  authentikUrl?: string;
}

/** Everything that is wrong with the settings. */
export class SettingsError extends Error {
  /** One line each: the key, its value, what is wrong, and the choices or an example. */
  readonly problems: string[];

  constructor(problems: string[]) {
    super(
      [`${problems.length === 1 ? "1 problem" : `${problems.length} problems`} in the settings:`, ...problems].join(
        "\n  ",
      ),
    );
    this.name = "SettingsError";
    this.problems = problems;
  }
}

/**
 * Turns stack config into settings: every default, every rule. Pure.
 * @param raw config keys without their namespace. Numbers and booleans may be text, as Pulumi hands them over; lists and objects are parsed.
 * @param secrets keys whose value was given as a secret. `authentikToken` must be one of them; values of secrets show in no message.
 * @throws SettingsError with all problems at once
 */
export function resolveSettings(raw: Record<string, unknown>, secrets: ReadonlySet<string> = new Set()): Settings {
  const problems = new Problems(new Set([...secrets, "authentikToken"]));
  reportUnknownKeys(raw, STACK_KEYS, "", problems);
  const namespace = readNamespace(raw, problems);
  const common = readFields(OUTPOST_FIELDS, raw, defaultsOf(OUTPOST_FIELDS), "", problems);
  checkLimits({ name: "", given: raw, values: common }, problems);
  const outposts = readOutposts(raw.outposts, common, problems);
  const stack = readFields(STACK_FIELDS, raw, defaultsOf(STACK_FIELDS), "", problems);
  const monitoring = readMonitoring(raw, outposts, problems);
  const authentikUrl = readAuthentikUrl(raw, problems);
  checkAuthentikToken(raw, secrets, problems);
  checkAuthentikAccess(raw, outposts, problems);
  if (problems.lines.length > 0) throw new SettingsError(problems.lines);
  return {
    namespace,
    outposts,
    ...stack,
    ...(monitoring && { monitoring }),
    ...(authentikUrl !== undefined && { authentikUrl }),
  };
}

function readNamespace(raw: Raw, problems: Problems): string {
  if (!isGiven(raw, "namespace")) {
    problems.line("namespace", "missing; name the outposts' namespace with: pulumi config set namespace authentik");
    return "";
  }
  const parsed = fromText(parseDnsLabel)(raw.namespace);
  if (!("wrong" in parsed)) return parsed.value;
  problems.value("namespace", raw.namespace, parsed.wrong);
  return "";
}

/** Pulumi.yaml can only declare an optional key with a default, so empty text means that it was not set. */
function isSet(raw: Raw, key: string): boolean {
  return isGiven(raw, key) && raw[key] !== "";
}

function readAuthentikUrl(raw: Raw, problems: Problems): string | undefined {
  if (!isSet(raw, "authentikUrl")) return undefined;
  const parsed = fromText(parseAuthentikUrl)(raw.authentikUrl);
  if (!("wrong" in parsed)) return parsed.value;
  problems.value("authentikUrl", raw.authentikUrl, parsed.wrong);
  return undefined;
}

function checkAuthentikToken(raw: Raw, secrets: ReadonlySet<string>, problems: Problems): void {
  if (!isSet(raw, "authentikToken")) return;
  const text = parseText(raw.authentikToken);
  const key = "authentikToken";
  if (!secrets.has(key)) {
    problems.line(
      key,
      "stored in plain text; revoke it in authentik, then store a new one with: pulumi config set --secret authentikToken",
    );
  } else if ("wrong" in text) {
    problems.value(key, raw.authentikToken, text.wrong);
  } else if (/[^\x21-\x7e]/.test(text.value)) {
    problems.value(
      key,
      raw.authentikToken,
      "has spaces, line breaks or other characters that no token has; store it again",
    );
  }
}

/** Whatever the solution, so that changing it asks for nothing new. */
function checkAuthentikAccess(raw: Raw, outposts: readonly OutpostSettings[], problems: Problems): void {
  const places = outposts.flatMap(({ delivery }, index) => (delivery === "authentik" ? `outposts[${index}]` : []));
  if (places.length === 0) return;
  const why = `delivery authentik (${places.join(", ")}) needs it`;
  if (!isSet(raw, "authentikUrl")) {
    problems.line(
      "authentikUrl",
      `missing, and ${why}; set it with: pulumi config set authentikUrl https://auth.example.com`,
    );
  }
  if (!isSet(raw, "authentikToken")) {
    problems.line("authentikToken", `missing, and ${why}; set it with: pulumi config set --secret authentikToken`);
  }
}
