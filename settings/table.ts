import type { Delivery, Solution } from "./settings";
import { choiceOf } from "./values/choice";
import { parseSchedule } from "./values/cron";
import { parseDuration } from "./values/duration";
import { parseImage } from "./values/image";
import { parseLabels } from "./values/labels";
import { fromText, type Parsed, parseBoolean, parseInteger } from "./values/parsed";
import { parseSize } from "../kubernetes/quantity";
import { parseRunbookUrl } from "./values/runbookUrl";

/** One setting: its default as an operator would write it, and how a value of it is read. */
export interface Field<T> {
  readonly default: string | number | boolean;
  readonly parse: (value: unknown) => Parsed<T>;
}

export type ValuesOf<Fields> = { -readonly [Key in keyof Fields]: Fields[Key] extends Field<infer T> ? T : never };

const SOLUTIONS: readonly Solution[] = ["sidecar", "cronjob", "both", "none"];
const DELIVERIES: readonly Delivery[] = ["deployment", "authentik"];

// The highest user id the API server takes (IsValidUserID in k8s.io/apimachinery).
const HIGHEST_USER_ID = 2 ** 31 - 1;

/** Settings of one outpost: the stack's value holds for all of them, an entry of `outposts` overrides it for one. */
export const OUTPOST_FIELDS = {
  solution: field("sidecar", choiceOf(SOLUTIONS)),
  delivery: field("deployment", choiceOf(DELIVERIES)),
  // 64 MiB is what a container runtime gives anyway; 16 GiB hold four million sessions.
  shmSize: field(
    "256Mi",
    fromText((text) => parseSize(text, "64Mi", "16Gi")),
  ),
  // Any shorter, and the sweeps of a full volume would hardly pause.
  sweepInterval: durationField("60s", "5s", "24h"),
  // An anonymous session may be somebody on the login page: a minute is the least to type a password in.
  anonymousMaxAge: durationField("60m", "1m", "8760h"),
  // authentik's own default for a proxy provider's access token validity is 24 hours.
  authenticatedMaxAge: durationField("24h", "1m", "8760h"),
  highWatermark: percentField(80),
  lowWatermark: percentField(60),
  cleanerImage: field("docker.io/library/busybox:1.37", fromText(parseImage)),
  runAsUser: field(1000, parseUser),
  nativeSidecar: field(true, parseBoolean),
};

/** Settings of the whole stack that have a default. */
export const STACK_FIELDS = {
  schedule: field("0 * * * *", fromText(parseSchedule)),
  kubectlImage: field("docker.io/alpine/kubectl:1.34.2", fromText(parseImage)),
  restrictExec: field(true, parseBoolean),
  verify: field(false, parseBoolean),
  // A rollout, and a run of the CronJob, which its own deadline ends after 15 minutes.
  verifyTimeout: durationField("10m", "10s", "1h"),
};

/** Settings of what is created for Prometheus and Grafana. */
export const MONITORING_FIELDS = {
  monitoring: field(false, parseBoolean),
  podMonitor: field(true, parseBoolean),
  alerts: field(true, parseBoolean),
  dashboard: field(true, parseBoolean),
  monitoringLabels: field("", parseLabels),
  usageWarning: percentField(80),
  // From here on the sweep gives up logins.
  usageCritical: percentField(95),
  // Three quarters of what 256Mi hold. 16Gi hold four million.
  sessionFilesWarning: field(50_000, (value) => parseInteger(value, 1_000, 4_194_304)),
  runbookUrl: field("docs/runbooks", fromText(parseRunbookUrl)),
};

/** Keys an object in `outposts` may hold. */
export const OUTPOST_KEYS: readonly string[] = ["name", "deployment", ...Object.keys(OUTPOST_FIELDS)];

/** Every key of the config namespace `authentik-outpost-shm`. */
export const STACK_KEYS: readonly string[] = [
  "namespace",
  "outposts",
  ...Object.keys(OUTPOST_FIELDS),
  ...Object.keys(STACK_FIELDS),
  ...Object.keys(MONITORING_FIELDS),
  "authentikUrl",
  "authentikToken",
];

function field<T>(standard: Field<T>["default"], parse: Field<T>["parse"]): Field<T> {
  return { default: standard, parse };
}

/** @returns seconds */
function durationField(standard: string, shortest: string, longest: string): Field<number> {
  return field(
    standard,
    fromText((text) => parseDuration(text, shortest, longest)),
  );
}

function percentField(standard: number): Field<number> {
  return field(standard, (value) => {
    const percent = parseInteger(value, 1, 99);
    return "wrong" in percent ? { wrong: `${percent.wrong} (percent, without a sign)` } : percent;
  });
}

function parseUser(value: unknown): Parsed<number> {
  if (value === 0 || value === "0") return { wrong: "is root, and the outpost runs as a user of its own, e.g. 1000" };
  const user = parseInteger(value, 1, HIGHEST_USER_ID);
  return "wrong" in user ? { wrong: `${user.wrong}; give the outpost's numeric user id, e.g. 1000` } : user;
}
