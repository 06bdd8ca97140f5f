// Walks every alert's runbook. Its condition is brought about in real pods, a real Prometheus fires the alert on the metrics of
// the real sidecar, and the runbook's own commands find the cause and end it. test/e2e/monitoring proves how long an alert waits:
// here each waits a second.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { alertRules } from "../../../components/monitoring/alerts";
import { visit } from "../../../sandbox/node/visits";
import { createOutpost, deleteOutpost } from "../../../sandbox/outpost";
import { resolveSettings } from "../../../settings/resolve";
import { cronJobName } from "../../../cleaner/names";
import { finishedJob, startJob } from "./jobs";
import { interrupted } from "./outpostShm";
import { RunbookWalk, walkedAlerts } from "./runbookWalk";
import { closeScenario, openScenario, type Scenario } from "./scenario";
import { watchCluster, type WatchedCluster } from "./watchedCluster";

const status = "npx --no-install outpost-shm status -n authentik";
const verify = "npx --no-install outpost-shm verify -n authentik";
const doctor = "npx --no-install outpost-shm doctor -n authentik";
const cleanup = "npx --no-install outpost-shm cleanup -n authentik --anonymous";
const jobs = "kubectl -n authentik get jobs -l app.kubernetes.io/name=authentik-outpost-shm";

/** The outposts at first, each with another trouble. */
const outposts = {
  main: { name: "main", shmSize: "64Mi", sweepInterval: "5s" },
  stalled: { name: "stalled", sweepInterval: "5s" },
  foreign: { name: "foreign", sweepInterval: "5s", runAsUser: 2000, anonymousMaxAge: "1h" },
  recreated: { name: "recreated", sweepInterval: "5s" },
  scheduled: { name: "scheduled", solution: "cronjob" },
};
/** Settings that the runbooks ask for, all of them in one update. */
const mended = {
  ...outposts,
  main: { ...outposts.main, shmSize: "1Gi", anonymousMaxAge: "15m" },
  foreign: { name: "foreign", sweepInterval: "5s", anonymousMaxAge: "1h" },
};

/** Commands that are not run here, with the reason. */
const notRun: Record<string, string> = {
  "pulumi preview": "what it names, test/e2e/cluster/cli has",
  "pulumi config set authenticatedMaxAge 12h && pulumi up":
    "a setting of the sweep as anonymousMaxAge is, which is set here",
  "pulumi config set sessionFilesWarning 200000 && pulumi up": "needs the Prometheus operator's kinds",
  "pulumi config set monitoringLabels release=<Helm release of kube-prometheus-stack> && pulumi up":
    "needs the Prometheus operator's kinds",
  "kubectl -n authentik get podmonitor authentik-outpost-shm --show-labels": "needs the Prometheus operator's kinds",
  "kubectl get prometheus -A -o yaml": "needs the Prometheus operator's kinds",
  "kubectl -n authentik top pod POD --containers": "needs metrics-server",
  "pulumi config set solution sidecar && pulumi up": "toggles.test.ts has it",
  "pulumi config set cleanerImage docker.io/library/busybox:1.37 && pulumi up": "it is the image here already",
};

describe("the runbooks, walked", function () {
  this.timeout(180_000);
  let scenario: Scenario;
  let walk: RunbookWalk;
  let watched: WatchedCluster;

  before(async () => {
    const names = Object.keys(outposts).map((name) => ({ name }));
    const config = { outposts: Object.values(outposts) };
    scenario = await openScenario({ name: "runbooks", outposts: names, config });
    await scenario.up();
    walk = new RunbookWalk(scenario);
    const { namespace } = scenario;
    const settings = resolveSettings({ ...config, namespace, monitoring: true, sessionFilesWarning: 1000 });
    const sidecars = settings.outposts.filter(({ solution }) => solution === "sidecar");
    const rules = alertRules({ namespace, sidecars, cronJob: cronJobName, settings });
    watched = await watchCluster(
      scenario,
      rules.map((rule) => ({ ...rule, for: "1s" })),
    );
    await expire(await scenario.pod("main"));
    const answering = 'sum(up{container="shm-cleanup"})';
    await until("Prometheus", "to have scraped all sidecars", async () => (await value(answering)) === 4);
  });
  after(async () => {
    await watched?.stop();
    await closeScenario(scenario);
  });

  const fires = async (alert: string, labels: Record<string, string> = {}): Promise<boolean> =>
    (await watched.prometheus.alerts()).some(
      (active) =>
        active.state === "firing" &&
        active.labels.alertname === `AuthentikOutpostShm${alert}` &&
        Object.entries(labels).every(([key, value]) => active.labels[key] === value),
    );
  const until = async (alert: string, what: string, is: () => Promise<boolean>): Promise<void> => {
    await scenario.until(`${alert} ${what}`, async () => (await is()) || undefined, 120_000);
  };
  const untilFiring = (alert: string, labels?: Record<string, string>) =>
    until(alert, "to fire", () => fires(alert, labels));
  const untilOver = (alert: string, labels?: Record<string, string>) =>
    until(alert, "to end", async () => !(await fires(alert, labels)));
  const value = async (expr: string): Promise<number | undefined> => (await watched.prometheus.query(expr))[0]?.value;

  const inProxy = (pod: string, script: string): Promise<string> => scenario.exec(pod, "proxy", "sh", "-c", script);
  const count = async (pod: string): Promise<number> => Number(await inProxy(pod, "ls /dev/shm | wc -l"));
  const ago = (minutes: number): string =>
    `find /dev/shm -name 'session_*' -exec touch -d @${Math.floor(Date.now() / 1000) - minutes * 60} {} +`;
  /** Ends a session each second, as if people came and went. The sidecar then keeps to its interval. */
  const expire = async (pod: string): Promise<void> => {
    const file = `/dev/shm/session_${"A".repeat(52)}`;
    void scenario.tryKubectl(
      "exec",
      pod,
      "-c",
      "proxy",
      "--",
      ...["sh", "-c", `while :; do touch -d @0 ${file}; sleep 1; done`],
    );
    await scenario.until("the first session to expire", async () => (await count(pod)) > 0 || undefined);
  };

  it("SessionFilesHigh: the old visitors go", async () => {
    const pod = await scenario.pod("main");
    await visit(scenario, pod, { rate: 600, seconds: 3 });
    await inProxy(pod, ago(40));
    await untilFiring("SessionFilesHigh", { pod });
    const said = await walk.run("SessionFilesHigh", `${status} -o wide`);
    assert.match(said, /VISITORS/);
    await walk.run(
      "SessionFilesHigh",
      "npx --no-install outpost-shm cleanup -n authentik --older-than 30m --anonymous",
    );
    assert.ok((await count(pod)) <= 1);
    await untilOver("SessionFilesHigh");
  });

  it("FillingUp: growing by visitors, until they go", async () => {
    const pod = await scenario.pod("main");
    await visit(scenario, pod, { rate: 1500, seconds: 6 });
    await untilFiring("FillingUp", { pod });
    const watching = await interrupted(scenario, ["status", "--watch", "--interval=1s"], /^POD /gm, 2);
    assert.deepEqual([watching.status, watching.stderr], [0, ""]);
    walk.note("FillingUp", `${status} --watch`);
    await walk.run("FillingUp", "kubectl -n authentik logs POD -c proxy --tail=50", { POD: pod });
    await walk.run("FillingUp", cleanup);
    assert.ok((await count(pod)) <= 1);
    await untilOver("FillingUp");
  });

  it("CronJobNotRun: suspended, until it no longer is", async () => {
    await scenario.kubectl("patch", "cronjob", cronJobName, '--patch={"spec":{"suspend":true}}');
    await untilFiring("CronJobNotRun");
    assert.match(
      await walk.run("CronJobNotRun", `kubectl -n authentik get cronjob ${cronJobName}`),
      /SUSPEND[^\n]*\n.* True /,
    );
    assert.match(
      await walk.run("CronJobNotRun", `kubectl -n authentik describe cronjob ${cronJobName}`),
      /^Suspend: +True$/m,
    );
    await walk.run("CronJobNotRun", jobs);
    assert.match(await walk.run("CronJobNotRun", verify, {}, 1), /^CronJob {2,}schedule +FAIL +it is suspended$/m);
    await walk.run("CronJobNotRun", cleanup);
    await walk.run(
      "CronJobNotRun",
      `kubectl -n authentik patch cronjob ${cronJobName} -p '{"spec":{"suspend":false}}'`,
    );
    await untilOver("CronJobNotRun");
  });

  it("UsageHigh: full of what is no session, until the pod is deleted", async () => {
    const POD = await scenario.pod("main");
    await inProxy(POD, "dd if=/dev/zero of=/dev/shm/core bs=1M count=62");
    await untilFiring("UsageHigh", { pod: POD, severity: "warning" });
    await untilFiring("UsageHigh", { pod: POD, severity: "critical" });
    assert.match(await walk.run("UsageHigh", `${status} -o wide`), new RegExp(`^${POD} .* 64Mi +62Mi +9[67]%`, "m"));
    assert.match(
      await walk.run("UsageHigh", "kubectl -n authentik logs POD -c shm-cleanup --tail=20", { POD }),
      / event=sweep /,
    );
    const list =
      "kubectl -n authentik exec POD -c shm-cleanup -- sh -c 'cd /dev/shm && find . -maxdepth 1 -type f | head -20 | xargs ls -la'";
    assert.match(await walk.run("UsageHigh", list, { POD }), / 65011712 .* \.\/core$/m);
    await walk.run("UsageHigh", `${cleanup} --dry-run`);
    await walk.run("UsageHigh", cleanup);
    assert.match(await inProxy(POD, "ls -l /dev/shm/core"), / 65011712 /);
    // Nobody has been logged in for so long, so it asks nothing.
    await walk.run("UsageHigh", "npx --no-install outpost-shm cleanup -n authentik --older-than 12h");
    await walk.run("UsageHigh", "kubectl -n authentik delete pod POD", { POD });
    await scenario.rollout("main");
    await untilOver("UsageHigh");
  });

  it("CronJobFailed: its account has lost its rights", async () => {
    await scenario.kubectl("delete", "rolebinding", cronJobName);
    // The name that the controller gives a Job of the schedule.
    const JOB = `${cronJobName}-29401020`;
    await startJob(scenario, JOB);
    assert.equal((await finishedJob(scenario, JOB)).outcome, "Failed");
    await untilFiring("CronJobFailed");
    assert.match(await walk.run("CronJobFailed", jobs), new RegExp(`^${JOB} +Failed `, "m"));
    assert.match(
      await walk.run("CronJobFailed", "kubectl -n authentik logs job/JOB | grep result=failed", { JOB }),
      /deployment=ak-outpost-scheduled result=failed reason="Error from server \(Forbidden\): deployments\.apps 'ak-outpost-scheduled' is forbidden: /m,
    );
    assert.match(
      await walk.run("CronJobFailed", "kubectl -n authentik describe job JOB", { JOB }),
      /BackoffLimitExceeded/,
    );
    assert.match(
      await walk.run("CronJobFailed", "kubectl -n authentik describe replicasets"),
      /^Controlled By: +Deployment\/ak-outpost-scheduled$/m,
    );
    assert.match(
      await walk.run("CronJobFailed", verify, {}, 1),
      /^CronJob {2,}rbac +FAIL +ServiceAccount authentik-outpost-shm-cleanup may not get deployments ak-outpost-scheduled, (?:.*, )?get pods, list pods, create pods\/exec, get pods\/exec \(/m,
    );
    await walk.run("CronJobFailed", cleanup);
  });

  /** Stops the sidecar's next sweep where it is. It uses only the shell's own commands, to be quick. */
  const hangSweep = async (pod: string): Promise<void> => {
    const script = `
      while :; do
        for process in /proc/[0-9]*; do
          read -r line <$process/cmdline
          case $line in sh/run/shm-cleanup/.scripts-*/sweep.sh) kill -STOP \${process#/proc/} && exit ;; esac
        done
      done 2>/dev/null`;
    await scenario.exec(pod, "shm-cleanup", "sh", "-c", script);
  };

  it("LoginsEvicted: there is no room for them", async () => {
    // For SweepStalled, which takes 90 s from here on.
    await hangSweep(await scenario.pod("stalled"));
    const POD = await scenario.pod("main");
    await crowd(POD);
    await untilFiring("LoginsEvicted", { pod: POD });
    await walk.run("LoginsEvicted", `${status} -o wide`);
    const log = "kubectl -n authentik logs POD -c shm-cleanup | grep logins_removed";
    assert.match(await walk.run("LoginsEvicted", log, { POD }), /event=\S*logins_removed/);
    await walk.run("LoginsEvicted", "kubectl -n authentik logs POD -c proxy", { POD });
    const list =
      'kubectl -n authentik exec POD -c shm-cleanup -- find /dev/shm -maxdepth 1 ! -name "session_*" -exec ls -lad {} +';
    assert.match(await walk.run("LoginsEvicted", list, { POD }), / \/dev\/shm\/core$/m);
  });

  /** Leaves room for few logins beside a large file, and logs people in. */
  const crowd = async (pod: string): Promise<void> => {
    await inProxy(pod, "dd if=/dev/zero of=/dev/shm/core bs=1M count=60");
    await visit(scenario, pod, { logins: 500 });
  };

  it("TargetMissing: authentik has recreated the Deployment", async () => {
    const outpost = { namespace: scenario.namespace, name: "recreated" };
    const { kubeconfig } = scenario.stage.cluster;
    await deleteOutpost(kubeconfig, outpost);
    await createOutpost(kubeconfig, outpost);
    await untilFiring("TargetMissing", { deployment: "ak-outpost-recreated" });
    assert.match(await walk.run("TargetMissing", verify, {}, 1), /^recreated +(volume|solution) +FAIL /m);
    await walk.run("TargetMissing", doctor, {}, 1);
    const pods = "kubectl -n authentik get pods";
    assert.match(await walk.run("TargetMissing", pods), /^ak-outpost-recreated-\S+ +1\/1 +Running /m);
    const served = await served9301(await scenario.pod("main"));
    assert.match(served, /^authentik_outpost_shm_size_bytes /m);
  });

  /** Returns what `kubectl port-forward POD 9301` and `curl` get. */
  const served9301 = async (pod: string): Promise<string> => {
    walk.note("TargetMissing", "kubectl -n authentik port-forward POD 9301");
    walk.note("TargetMissing", "curl http://localhost:9301/metrics.txt");
    const { kubectl, cluster } = scenario.stage;
    const args = [
      `--kubeconfig=${cluster.kubeconfig}`,
      `--namespace=${scenario.namespace}`,
      "port-forward",
      pod,
      "9301",
    ];
    const forward = spawn(kubectl, args, { stdio: "ignore" });
    try {
      return await scenario.until("the forwarded port", async () => {
        const response = await fetch("http://localhost:9301/metrics.txt");
        return response.ok ? response.text() : undefined;
      });
    } finally {
      forward.kill();
      await once(forward, "close");
    }
  };

  it("SweepStalled: a sweep that hangs, until its container starts anew", async () => {
    const POD = await scenario.pod("stalled");
    await visit(scenario, POD, { rate: 200, seconds: 1 });
    await untilFiring("SweepStalled", { pod: POD });
    assert.match(await walk.run("SweepStalled", status), new RegExp(`^${POD} `, "m"));
    await walk.run("SweepStalled", "kubectl -n authentik logs POD -c shm-cleanup --tail=20", { POD });
    const processes = await walk.run("SweepStalled", "kubectl -n authentik exec POD -c shm-cleanup -- ps", { POD });
    // busybox ps prints {exe} for a process that has just begun.
    assert.match(processes, /^ *\d+ 1000 +(?:\{exe\} )?sh \/run\/shm-cleanup\/\.scripts-[0-9a-f]{64}\/sweep\.sh$/m);
    await walk.run("SweepStalled", cleanup);
    assert.equal(await count(POD), 0);
    const hanging = Date.now() / 1000;
    await walk.run("SweepStalled", "kubectl -n authentik exec POD -c shm-cleanup -- kill 1", { POD });
    const last = `authentik_outpost_shm_last_sweep_timestamp_seconds{pod="${POD}"}`;
    await until("the sidecar", "to sweep again", async () => ((await value(last)) ?? 0) > hanging);
    await untilOver("SweepStalled");
    const [{ metadata, status: now }] = await scenario.pods("stalled");
    assert.deepEqual([metadata?.name, now?.initContainerStatuses?.[0].restartCount], [POD, 1]);
  });

  it("SweepErrors: the sidecar is not the files' owner", async () => {
    const POD = await scenario.pod("foreign");
    await visit(scenario, POD, { rate: 200, seconds: 1 });
    await inProxy(POD, ago(120));
    await untilFiring("SweepErrors", { pod: POD });
    const log = "kubectl -n authentik logs POD -c shm-cleanup | grep -E 'errors=[1-9]|sweep_failed|problem='";
    assert.match(await walk.run("SweepErrors", log, { POD }), /Operation not permitted/);
    await walk.run("SweepErrors", doctor, {}, 1);
    const owner =
      "kubectl -n authentik exec POD -c shm-cleanup -- sh -c 'find /dev/shm -maxdepth 1 -name \"session_*\" | head -5 | xargs ls -ln'";
    assert.match(await walk.run("SweepErrors", owner, { POD }), / 1000 +\d+ .* \/dev\/shm\/session_/);
    const user = "kubectl -n authentik exec POD -c shm-cleanup -- id -u";
    assert.equal(await walk.run("SweepErrors", user, { POD }), "2000\n");
    await walk.run("SweepErrors", "kubectl -n authentik describe pod POD", { POD });
    // The cleanup sweeps in the sidecar, too.
    assert.match(await walk.run("SweepErrors", cleanup, {}, 1), /Operation not permitted/);
    const before = await count(POD);
    assert.ok(before > 100, String(before));
    const byOwner =
      "kubectl -n authentik exec POD -c proxy -- sh -c 'find /dev/shm -name \"session_*\" -size -401c -mmin +5 | xargs rm -f'";
    await walk.run("UsageHigh", byOwner, { POD });
    assert.equal(await count(POD), 0);
  });

  describe("pulumi up", () => {
    before("set what the runbooks say, and deploy it", async () => {
      await scenario.setConfig({ outposts: Object.values(mended) });
      await scenario.up();
    });

    it("mends the CronJob's account, and a run by hand ends CronJobFailed", async () => {
      walk.note("CronJobFailed", "pulumi up");
      const again = `kubectl -n authentik create job --from=cronjob/${cronJobName} shm-cleanup-$(date +%s)`;
      const [, job] = /^job\.batch\/(\S+) created$/m.exec(await walk.run("CronJobFailed", again))!;
      assert.equal((await finishedJob(scenario, job)).outcome, "Complete");
      walk.note("CronJobFailed", `${verify} --run`); // cli.test.ts runs it
      await untilOver("CronJobFailed");
    });

    it("makes room for the logins", async () => {
      walk.note("LoginsEvicted", "pulumi config set shmSize 1Gi && pulumi up");
      walk.note("UsageHigh", "pulumi config set shmSize 512Mi && pulumi up"); // less than is set here
      const pod = await scenario.pod("main");
      await crowd(pod);
      const logins = `authentik_outpost_shm_session_files{pod="${pod}",state="authenticated"}`;
      await until("the sidecar", "to count all logins", async () => (await value(logins)) === 500);
      assert.equal(await fires("LoginsEvicted", { pod }), false);
      assert.equal(await fires("UsageHigh", { pod }), false);
    });

    it("has visitors go earlier", async () => {
      walk.note("FillingUp", "pulumi config set anonymousMaxAge 15m && pulumi up");
      walk.note("SessionFilesHigh", "pulumi config set anonymousMaxAge 15m && pulumi up");
      walk.note("FillingUp", "pulumi up");
      const pod = await scenario.pod("main");
      await inProxy(pod, "rm /dev/shm/*");
      await visit(scenario, pod, { rate: 200, seconds: 1 });
      await inProxy(pod, ago(20));
      await scenario.until("the visitors to go", async () => (await count(pod)) === 0 || undefined);
    });

    it("has the sidecar be the files' owner", async () => {
      walk.note("SweepErrors", "pulumi config set runAsUser UID && pulumi up");
      const pod = await scenario.pod("foreign");
      await visit(scenario, pod, { rate: 200, seconds: 1 });
      await inProxy(pod, ago(120));
      await scenario.until("the visitors to go", async () => (await count(pod)) === 0 || undefined);
      assert.equal(await fires("SweepErrors", { pod }), false);
    });

    it("puts back the sidecar that was missing", async () => {
      walk.note("TargetMissing", "pulumi up");
      await untilOver("TargetMissing", { deployment: "ak-outpost-recreated" });
    });
  });

  describe("after all that", () => {
    it("no command is left, but for those that can't be run here", () => {
      const left = walkedAlerts.flatMap((alert) => walk.left(alert));
      assert.deepEqual([...new Set(left)].sort(), Object.keys(notRun).sort());
    });
  });
});
