// Every alert under promtool: silent just before it is due, firing just after, with its text. The labels are those that the
// Prometheus operator gives a PodMonitor's targets, and kube-state-metrics its series.
import assert from "node:assert/strict";
import { alertRules } from "../../../components/monitoring/alerts";
import { checkRules, testRules, type ExpectedAlerts, type RuleTest } from "../../../sandbox/monitoring/promtool";
import { settingsOf } from "./alertSettings";

const pod = "ak-outpost-one-6c5d7f9b8-x2x4z";
const target = {
  container: "shm-cleanup",
  endpoint: "shm-metrics",
  instance: "10.0.0.7:9301",
  job: "authentik/authentik-outpost-shm",
  namespace: "authentik",
  pod,
};
/** Labels of all series of kube-state-metrics. */
const exporter = { instance: "10.0.0.9:8080", job: "kube-state-metrics", namespace: "authentik" };
type Labels = Record<string, string>;
const minute = 60;
const hour = 3600;
const series = (name: string, labels: Labels): string =>
  `${name}{${Object.entries(labels)
    .map(([key, value]) => `${key}="${value}"`)
    .join(",")}}`;
const shm = (metric: string, labels: Labels = {}): string =>
  series(`authentik_outpost_shm_${metric}`, { ...target, ...labels });
/** Writes a series in promtool's notation: each value for some seconds, the last for good. "_" is no sample. */
function over(...parts: [value: number | "_", seconds: number][]): string {
  // "1x3" is four ones, and "_x3" three samples missing.
  return parts.map(([value, seconds]) => `${value}x${seconds / 15 - (value === "_" ? 0 : 1)}`).join(" ");
}
const always = (value: number): string => over([value, 100 * hour]);

interface Expected {
  severity?: string;
  labels: Labels;
  summary: string;
  description: string;
}

const silent = (name: string, ...times: string[]): ExpectedAlerts[] =>
  times.map((time) => ({ eval_time: time, alertname: `AuthentikOutpostShm${name}`, exp_alerts: [] }));
const firing = (name: string, time: string, ...expected: Expected[]): ExpectedAlerts[] => [
  {
    eval_time: time,
    alertname: `AuthentikOutpostShm${name}`,
    exp_alerts: expected.map(({ severity = "warning", labels, summary, description }) => ({
      exp_labels: { severity, ...labels },
      exp_annotations: {
        summary,
        description: `${description} Runbook: docs/runbooks/AuthentikOutpostShm${name}.md.`,
      },
    })),
  },
];

async function holds(test: RuleTest, raw?: Record<string, unknown>): Promise<void> {
  assert.equal(await testRules(alertRules(settingsOf(raw)), test), "");
}

/** Rises from the lowest to the highest value in a number of steps, again and again. */
function sawtooth(lowest: number, highest: number, steps: number): string {
  const tooth = Array.from({ length: steps }, (_, n) => Math.round(lowest + ((highest - lowest) * n) / (steps - 1)));
  return Array.from({ length: 40 }, () => tooth.join(" ")).join(" ");
}

const where = `pod authentik/${pod}`;
const onceFull =
  "Once it is full, no new session can be saved: depending on the outpost's release, visits or logins fail, or visitors get in without a login (2025.10.0 to 2025.10.2).";
const size = shm("size_bytes");
const used = shm("used_bytes");

describe("the alerts, under promtool", function () {
  this.timeout(60_000);

  it("are rules that promtool has nothing to say against, for every solution and any intervals", async () => {
    for (const raw of [
      {},
      { solution: "cronjob" },
      { solution: "both", outposts: ["one", { name: "two", sweepInterval: "1h" }, { name: "three", shmSize: "16Gi" }] },
    ]) {
      assert.equal(await checkRules(alertRules(settingsOf(raw))), "");
    }
  });

  describe("UsageHigh", () => {
    const usage = (percent: number, severity = "warning"): Expected => ({
      severity,
      labels: target,
      summary: "/dev/shm of an outpost is nearly full.",
      description: `/dev/shm of ${where} is ${percent} % full, and the sweep does not bring it down. ${onceFull}`,
    });

    it("warns above 80 % for five minutes", () =>
      holds({
        series: { [size]: always(100), [used]: over([80, 10 * minute], [81, hour]) },
        alerts: [...silent("UsageHigh", "10m", "14m45s"), ...firing("UsageHigh", "15m", usage(81))],
      }));

    it("is critical above 95 % for two minutes", () =>
      holds({
        series: { [size]: always(100), [used]: over([95, 10 * minute], [96, hour]) },
        alerts: [
          ...firing("UsageHigh", "11m45s", usage(96)),
          ...firing("UsageHigh", "12m", usage(96), usage(96, "critical")),
        ],
      }));

    it("goes by the thresholds that are set", () =>
      holds(
        {
          series: { [size]: always(100), [used]: over([85, 10 * minute], [86, hour]) },
          alerts: [
            ...silent("UsageHigh", "11m45s"),
            ...firing("UsageHigh", "12m", usage(86, "critical")),
            ...firing("UsageHigh", "15m", usage(86), usage(86, "critical")),
          ],
        },
        { usageWarning: 85, usageCritical: 85 },
      ));

    it("is silent where the sweep answers the high watermark", () =>
      holds({
        series: { [size]: always(100), [used]: sawtooth(60, 82, 24) },
        alerts: silent("UsageHigh", "10m", "20m", "30m", "1h"),
      }));

    it("is about no other namespace", () =>
      holds({
        series: {
          [shm("size_bytes", { namespace: "other" })]: always(100),
          [shm("used_bytes", { namespace: "other" })]: always(99),
        },
        alerts: silent("UsageHigh", "1h"),
      }));
  });

  describe("SessionFilesHigh", () => {
    const { namespace } = target;
    const files = (count: number): Expected => ({
      labels: { namespace, pod },
      summary: "An outpost keeps very many sessions.",
      description: `/dev/shm of ${where} holds ${count} session files. Each takes a page and an inode, and a sweep takes longer the more there are.`,
    });
    const states = (visits: string): Record<string, string> => ({
      [shm("session_files", { state: "anonymous" })]: visits,
      [shm("session_files", { state: "authenticated" })]: always(9_900),
      [shm("session_files", { state: "debris" })]: always(100),
    });

    it("warns of more than 50,000 of any state for a quarter of an hour", () =>
      holds({
        series: states(over([40_000, 10 * minute], [40_001, hour])),
        alerts: [...silent("SessionFilesHigh", "24m45s"), ...firing("SessionFilesHigh", "25m", files(50_001))],
      }));

    it("goes by the threshold that is set", () =>
      holds(
        { series: states(always(10_001)), alerts: firing("SessionFilesHigh", "15m", files(20_001)) },
        { sessionFilesWarning: 20_000 },
      ));
  });

  describe("SweepErrors", () => {
    const errors = (count: number): Expected => ({
      labels: target,
      summary: "The sweep of an outpost's /dev/shm has errors.",
      description: `In ${where} the sweep could not remove files, or could not do its work, ${count} times within 1h. What it leaves fills /dev/shm.`,
    });

    it("tells of an error after five minutes, for an hour", () =>
      holds({
        series: { [shm("sweep_errors_total")]: over([7, 10 * minute], [8, 3 * hour]) },
        alerts: [
          ...silent("SweepErrors", "14m45s"),
          ...firing("SweepErrors", "15m", errors(1)),
          ...firing("SweepErrors", "1h9m30s", errors(1)),
          ...silent("SweepErrors", "1h9m45s"),
        ],
      }));

    it("is silent about errors of before", () =>
      holds({ series: { [shm("sweep_errors_total")]: always(8) }, alerts: silent("SweepErrors", "15m", "2h") }));
  });

  describe("LoginsEvicted", () => {
    const removed = (labels: Labels) => shm("removed_files_total", labels);

    it("tells of a login removed under pressure after a minute", () =>
      holds({
        series: { [removed({ state: "authenticated", reason: "pressure" })]: over([0, 10 * minute], [3, hour]) },
        alerts: [
          ...silent("LoginsEvicted", "10m45s"),
          ...firing("LoginsEvicted", "11m", {
            severity: "critical",
            labels: { ...target, state: "authenticated", reason: "pressure" },
            summary: "People are logged out because an outpost's /dev/shm is full.",
            description: `In ${where} 3 logins were removed before their time within 15m: /dev/shm was at 95 % or more, with too few visitors' sessions left to remove.`,
          }),
          ...silent("LoginsEvicted", "26m"),
        ],
      }));

    it("is silent about visitors, and about logins past their age", () =>
      holds({
        series: {
          [removed({ state: "anonymous", reason: "pressure" })]: "0+100x400",
          [removed({ state: "authenticated", reason: "expired" })]: "0+100x400",
        },
        alerts: silent("LoginsEvicted", "11m", "1h"),
      }));
  });

  describe("SweepStalled", () => {
    const stalled = (age: string, labels: Labels = target): Expected => ({
      labels,
      summary: "The sweep of an outpost's /dev/shm stands still.",
      description: `The last sweep of pod authentik/${labels.pod} was ${age} ago, more than three intervals. Without it /dev/shm fills up.`,
    });
    const last = (labels?: Labels): string => shm("last_sweep_timestamp_seconds", labels);
    const inodes = (labels?: Labels): string => shm("inodes_used", labels);

    it("warns where no sweep has ended for three intervals, and five minutes more", () =>
      holds({
        series: { [last()]: always(0), [inodes()]: always(100) },
        alerts: [...silent("SweepStalled", "20m"), ...firing("SweepStalled", "20m15s", stalled("20m 15s"))],
      }));

    it("is silent while sweeps end", () =>
      holds({
        series: {
          [last()]: Array.from({ length: 240 }, (_, n) => Math.floor(n / 4) * 60).join(" "),
          [inodes()]: always(100),
        },
        alerts: silent("SweepStalled", "20m15s", "30m", "59m45s"),
      }));

    it("waits longer where the sidecar pauses for idle files", () =>
      holds({
        series: { [last()]: always(0), [inodes()]: always(33 * 600) },
        alerts: [...silent("SweepStalled", "35m"), ...firing("SweepStalled", "35m15s", stalled("35m 15s"))],
      }));

    it("counts an interval of seconds as half a minute", () =>
      holds(
        {
          series: { [last()]: always(0), [inodes()]: always(100) },
          alerts: [...silent("SweepStalled", "6m30s"), ...firing("SweepStalled", "6m45s", stalled("6m 45s"))],
        },
        { sweepInterval: "5s" },
      ));

    it("goes by each outpost's own interval", () => {
      const other = { ...target, pod: "ak-outpost-one-b-6c5d7f9b8-x2x4z" };
      return holds(
        {
          series: {
            [last()]: always(0),
            [inodes()]: always(100),
            [last(other)]: always(0),
            [inodes(other)]: always(100),
          },
          alerts: [
            ...firing("SweepStalled", "20m15s", stalled("20m 15s")),
            ...firing("SweepStalled", "3h5m", stalled("3h 5m 0s")),
            ...firing("SweepStalled", "3h5m15s", stalled("3h 5m 15s"), stalled("3h 5m 15s", other)),
          ],
        },
        { outposts: ["one", { name: "one b", sweepInterval: "1h" }] },
      );
    });
  });

  describe("FillingUp", () => {
    const mebibyte = 1024 * 1024;
    const filling = (amount: string): Expected => ({
      labels: target,
      summary: "/dev/shm of an outpost will be full within an hour.",
      description:
        `At the rate of the last sweeps, /dev/shm of ${where} needs ${amount}B within an hour, which is all it has. ` +
        `From highWatermark on visitors' sessions are removed early; where logins fill it, people will be logged out.`,
    });
    /** Rises by a number of MiB an hour. */
    const rising = (from: number, hourly: number): string => `${from * mebibyte}+${(hourly * mebibyte) / 240}x400`;

    it("warns of what is full within an hour, after a quarter of one", () =>
      holds({
        // From 192 MiB on, which is after 11 minutes, 64 MiB more would be 256.
        series: { [size]: always(256 * mebibyte), [used]: rising(180.5, 64) },
        alerts: [...silent("FillingUp", "25m45s"), ...firing("FillingUp", "26m", filling("272.2Mi"))],
      }));

    it("predicts nothing of a /dev/shm less than half full", () =>
      holds({
        // Usage is above half of 256 MiB after 16 minutes and a quarter.
        series: { [size]: always(256 * mebibyte), [used]: rising(0, 480) },
        alerts: [...silent("FillingUp", "31m"), ...firing("FillingUp", "31m15s", filling("730Mi"))],
      }));

    it("is silent about a flood that the sweep holds between the watermarks", () =>
      holds({
        series: { [size]: always(256 * mebibyte), [used]: sawtooth(154 * mebibyte, 205 * mebibyte, 24) },
        alerts: silent("FillingUp", "15m", "30m", "45m", "1h", "2h", "3h"),
      }));
  });

  describe("TargetMissing", () => {
    const summary = "Prometheus gets no metrics of an outpost's /dev/shm.";
    const unknown = "Whether it fills up is not known, and the sidecar may be gone.";
    const none = (deployment: string): Expected => ({
      labels: { deployment, namespace: "authentik" },
      summary,
      description: `No pod of Deployment authentik/${deployment} gives metrics of its /dev/shm. ${unknown}`,
    });
    const other = { ...target, pod: "ak-outpost-one-6c5d7f9b8-abcde" };
    const onePod: Expected = {
      labels: { ...other, deployment: "ak-outpost-one" },
      summary,
      description: `The sidecar in pod authentik/${other.pod} gives no metrics. ${unknown}`,
    };
    const errorsTotal = shm("sweep_errors_total");

    it("warns where no sidecar has given metrics for ten minutes", () =>
      holds({
        series: {},
        alerts: [...silent("TargetMissing", "9m45s"), ...firing("TargetMissing", "10m", none("ak-outpost-one"))],
      }));

    it("warns of each outpost by itself, also where one's name begins like the other's", () =>
      holds(
        { series: { [errorsTotal]: always(0) }, alerts: firing("TargetMissing", "10m", none("ak-outpost-one-b")) },
        { outposts: ["one", "one b"] },
      ));

    it("warns of a single pod whose sidecar does not answer", () => {
      return holds({
        series: {
          [errorsTotal]: always(0),
          [series("up", target)]: always(1),
          [series("up", other)]: over([1, 10 * minute], [0, hour]),
          // The outpost's own metrics are not ours to watch.
          [series("up", { ...target, container: "proxy" })]: always(0),
        },
        alerts: [...silent("TargetMissing", "19m45s"), ...firing("TargetMissing", "20m", onePod)],
      });
    });

    it("warns of a single pod whose sidecar is up only for a moment now and then", () => {
      const flapping = [0, 1, 2].flatMap((): [number, number][] => [
        [0, 4 * minute],
        [1, 15],
      ]);
      // At the first moment it was still up for most of the last ten minutes. The others do not count.
      return holds({
        series: { [errorsTotal]: always(0), [series("up", other)]: over([1, 10 * minute], ...flapping, [0, hour]) },
        alerts: [...silent("TargetMissing", "24m"), ...firing("TargetMissing", "24m15s", onePod)],
      });
    });

    it("warns of a single pod that delivery by admission has left without a sidecar", () => {
      const phase = (pod: string, phase: string) =>
        series("kube_pod_status_phase", { ...exporter, uid: "u", pod, phase });
      const bare: Expected = {
        ...onePod,
        labels: { namespace: "authentik", pod: other.pod, deployment: "ak-outpost-one" },
      };
      const world = {
        [errorsTotal]: always(0),
        [series("up", target)]: always(1),
        [phase(target.pod, "Running")]: always(1),
        [phase(other.pod, "Running")]: over([0, 10 * minute], [1, hour]),
        [phase(other.pod, "Pending")]: over([1, 10 * minute], [0, hour]),
      };
      return Promise.all([
        holds(
          { series: world, alerts: [...silent("TargetMissing", "19m45s"), ...firing("TargetMissing", "20m", bare)] },
          { delivery: "admission" },
        ),
        // Another delivery has no pods without a sidecar beside others that have one.
        holds({ series: world, alerts: silent("TargetMissing", "1h") }),
      ]).then(() => undefined);
    });

    it("is silent about a Deployment that is scaled to zero, until it no longer is", () => {
      const replicas = (deployment: string) => series("kube_deployment_spec_replicas", { ...exporter, deployment });
      return holds({
        series: {
          [replicas("ak-outpost-one")]: over([0, hour], [1, hour]),
          [replicas("ak-outpost-other")]: always(0),
        },
        alerts: [
          ...silent("TargetMissing", "10m", "59m45s", "1h9m45s"),
          ...firing("TargetMissing", "1h10m", none("ak-outpost-one")),
        ],
      });
    });

    it("is silent through a rollout", () =>
      holds({
        series: { [errorsTotal]: over([0, 10 * minute], ["_", 9 * minute], [0, hour]) },
        alerts: silent("TargetMissing", "10m", "15m", "19m", "30m"),
      }));
  });

  describe("CronJob", () => {
    const cronjob = "authentik-outpost-shm-cleanup";
    const raw = { solution: "cronjob" };
    const ofCronJob = (metric: string): string => series(`kube_cronjob_${metric}`, { ...exporter, cronjob });
    const ofJob = (metric: string, labels: Labels = {}): string =>
      series(`kube_job_${metric}`, { ...exporter, job_name: `${cronjob}-29401020`, ...labels });
    const failedAfter = (seconds: number) => ({
      [ofJob("created")]: always(1_000),
      [ofJob("failed", { condition: "true" })]: over(["_", seconds], [1, 3 * hour]),
      [ofCronJob("created")]: always(100),
    });
    const failed: Expected = {
      labels: { cronjob, namespace: "authentik" },
      summary: "The CronJob that sweeps the outposts' /dev/shm has failed.",
      description: `The last run of CronJob authentik/${cronjob} failed: at least one outpost pod was not swept, or its /dev/shm is still nearly full. ${onceFull}`,
    };
    const notRun: Expected = {
      labels: { ...exporter, cronjob },
      summary: "The CronJob that sweeps the outposts' /dev/shm does not run.",
      description: `CronJob authentik/${cronjob} is suspended or has missed its schedule: the outposts' /dev/shm fills up unswept.`,
    };

    it("Failed: warns of a run that failed since the last that succeeded, until one succeeds", () =>
      holds(
        {
          series: {
            ...failedAfter(10 * minute),
            [ofCronJob("status_last_successful_time")]: over([500, hour], [4_600, hour]),
          },
          alerts: [
            ...silent("CronJobFailed", "10m45s"),
            ...firing("CronJobFailed", "11m", failed),
            ...firing("CronJobFailed", "59m45s", failed),
            ...silent("CronJobFailed", "1h"),
          ],
        },
        raw,
      ));

    it("Failed: warns where none has ever succeeded", () =>
      holds({ series: failedAfter(10 * minute), alerts: firing("CronJobFailed", "11m", failed) }, raw));

    it("Failed: is silent about other Jobs, other namespaces', and those that did not fail", () => {
      const others: Labels[] = [{ job_name: "backup-29401020" }, { namespace: "other" }];
      return holds(
        {
          series: {
            [ofJob("created")]: always(1_000),
            [ofJob("failed", { condition: "false" })]: always(1),
            ...Object.fromEntries(others.map((labels) => [ofJob("created", labels), always(1_000)])),
            ...Object.fromEntries(
              others.map((labels) => [ofJob("failed", { condition: "true", ...labels }), always(1)]),
            ),
            [ofCronJob("created")]: always(100),
          },
          alerts: silent("CronJobFailed", "11m", "1h"),
        },
        raw,
      );
    });

    it("NotRun: warns twenty-five minutes after a run that did not come", () =>
      holds(
        {
          series: { [ofCronJob("next_schedule_time")]: always(600) },
          alerts: [...silent("CronJobNotRun", "35m"), ...firing("CronJobNotRun", "35m15s", notRun)],
        },
        raw,
      ));

    it("NotRun: warns of a suspended one after five minutes", () =>
      holds(
        {
          series: { [ofCronJob("spec_suspend")]: over([0, 10 * minute], [1, hour]) },
          alerts: [...silent("CronJobNotRun", "14m45s"), ...firing("CronJobNotRun", "15m", notRun)],
        },
        raw,
      ));

    it("NotRun: is silent while each run comes in its time", () =>
      holds(
        {
          series: {
            [ofCronJob("next_schedule_time")]: over([3_600, hour], [7_200, hour], [10_800, hour]),
            [ofCronJob("spec_suspend")]: always(0),
          },
          alerts: silent("CronJobNotRun", "1h", "1h30m", "2h30m"),
        },
        raw,
      ));
  });
});
