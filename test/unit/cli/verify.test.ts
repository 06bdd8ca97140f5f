import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import type { V1Container, V1Deployment, V1Job, V1Pod } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import type { Check } from "../../../cli/verify/check";
import type { Cluster, Wish } from "../../../kubernetes/cluster";
import { podFragment } from "../../../podPatch/podFragment";
import { outpostSettings } from "../outposts";
import { useTempDir } from "../tempDir";
import {
  isOpen,
  printed,
  proxyImage,
  metricsText,
  outpostDeployment,
  outpostPod,
  runOn,
  secondsAgo,
  sweepCronJob,
  type Answers,
  type PodOptions,
  refused,
} from "./cluster";

/** Returns a Deployment with our patch on it. */
function patched(change: (deployment: V1Deployment) => void = () => undefined): V1Deployment {
  const deployment = outpostDeployment();
  Object.assign(deployment.spec!.template.spec!, structuredClone(podFragment(outpostSettings({ name: "main" }))));
  change(deployment);
  return deployment;
}

/** Makes a clock that is so many seconds later at each look. */
function ticking(seconds: number): () => Date {
  let looks = 0;
  return () => secondsAgo(-seconds * looks++);
}

const pod = (options: Partial<PodOptions> = {}): V1Pod => outpostPod({ name: "main-a", ...options });

const df = (kibibytes: number, tmpdir = "/dev/shm/") =>
  printed(
    `TMPDIR=${tmpdir}\nFilesystem     1024-blocks  Used Available Capacity Mounted on\ntmpfs ${kibibytes} 8080 254064 4% /dev/shm\n`,
  );

const sound: Answers = {
  deployments: [patched()],
  pods: [pod()],
  configMap: undefined,
  cronJob: undefined,
  podProxy: metricsText(),
  exec: df(262144),
};

const job = (outcome: "Complete" | "Failed" | undefined, name = "sweep-1"): V1Job => ({
  metadata: { name, namespace: "authentik" },
  status: {
    completionTime: secondsAgo(600),
    conditions: outcome && [{ type: outcome, status: "True" }],
  },
});
const noNode = { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/1 nodes" };
const allowed = () => Promise.resolve({ allowed: true });
const withCronJob: Answers = {
  ...sound,
  deployments: [outpostDeployment()],
  cronJob: sweepCronJob(["main"]),
  jobsOf: [job("Complete")],
  selfMay: allowed,
};

describe("verify", () => {
  const verify = (methods: Answers, ...args: string[]) => runOn(methods, ["verify", ...args]);

  /** Returns the checks, by the JSON of verify. */
  async function checksOf(methods: Answers, ...args: string[]): Promise<Check[]> {
    const { code, stdout, stderr } = await verify(methods, "-o", "json", ...args);
    const { checks, ...rest } = JSON.parse(stdout) as { checks: Check[] };
    const passed = checks.every((check) => check.passed);
    assert.deepEqual([rest, code, stderr], [{ namespace: "authentik", passed }, passed ? 0 : 1, ""]);
    return checks;
  }
  const failedChecks = async (methods: Answers, ...args: string[]): Promise<Check[]> =>
    (await checksOf(methods, ...args)).filter(({ passed }) => !passed);

  it("passes where all is as it should be, by one command in the outpost's own container", async () => {
    const asked: unknown[] = [];
    const exec: Cluster["exec"] = (...args) => (asked.push(args), Promise.resolve(df(262144)));
    const { code, stdout, stderr } = await verify({ ...sound, exec });
    const place = { namespace: "authentik", pod: "main-a", container: "proxy" };
    assert.deepEqual(asked, [[place, ["sh", "-c", 'echo "TMPDIR=$TMPDIR"; df -kP /dev/shm']]]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(stdout.split("\n"), [
      "OUTPOST  CHECK       RESULT  SEEN",
      "main     volume      pass    dshm of 256Mi, in memory, on /dev/shm of both containers",
      "main     containers  pass    1 pod: proxy and shm-cleanup are running",
      "main     names       pass    proxy, then shm-cleanup",
      "main     size        pass    1 pod: /dev/shm has 256Mi (by df)",
      "main     sessions    pass    1 pod: sessions are in /dev/shm (by its environment)",
      "main     sweep       pass    1 pod: the last sweep was at most 20s ago, without error",
      "",
      "All 6 checks passed.",
      "",
    ]);
    assert.deepEqual(await failedChecks(sound), []);
  });

  const deploymentOf = (change: (deployment: V1Deployment) => void): Answers => ({ deployments: [patched(change)] });
  const podSpec = (deployment: V1Deployment) => deployment.spec!.template.spec!;
  const podOf = (options: Partial<PodOptions>): Answers => ({ pods: [pod(options)] });
  const bringIt =
    "Deploy again (`pulumi up --refresh`, or apply what `render` writes), which brings it; where authentik has recreated the Deployment that is all there is to do.";
  const describePod = "See why: kubectl --namespace authentik describe pod main-a";
  const sidecarLog = "See what it says: kubectl --namespace authentik logs main-a -c shm-cleanup";
  const waitForRollout =
    "Wait for it, or see why it stays so: kubectl --namespace authentik describe deployment ak-outpost-main";
  const logOf = (log: string | Error): Answers => ({ podProxy: metricsText({ errors: 3 }), log });
  const message = "back-off 40s restarting failed\ncontainer=shm-cleanup";
  const crashing = { waiting: { reason: "CrashLoopBackOff", message } };
  const noImage = { waiting: { reason: "ErrImagePull" } };

  /** Adds a test for each cluster in which this check of an outpost alone fails, with what it sees and this advice. */
  const fails = (
    check: string,
    todo: string,
    clusters: Record<string, [cluster: Answers, seen: string, more?: { stuck?: true; args?: string[] }]>,
  ) => {
    for (const [what, [cluster, seen, { stuck, args = [] } = {}]] of Object.entries(clusters)) {
      it(`fails where ${what}`, async () => {
        const expected = { subject: "main", check, passed: false, seen, todo, ...(stuck && { stuck }) };
        assert.deepEqual(await failedChecks({ ...sound, ...cluster }, ...args), [expected]);
      });
    }
  };

  fails("volume", bringIt, {
    "the Deployment has no volume": [
      deploymentOf((deployment) => (podSpec(deployment).volumes = [])),
      "Deployment ak-outpost-main has no volume dshm",
      { args: ["--shm-size", "256Mi"] },
    ],
    "the volume is on disk": [
      deploymentOf((deployment) => (podSpec(deployment).volumes![0].emptyDir = { sizeLimit: "256Mi" })),
      "volume dshm of Deployment ak-outpost-main is not in memory",
    ],
    "the volume is of another size than was stated": [
      { exec: df(524288) },
      "volume dshm of Deployment ak-outpost-main is of 256Mi, not 512Mi",
      { args: ["--shm-size", "512Mi"] },
    ],
    "the volume is not mounted in the outpost's container": [
      deploymentOf((deployment) => delete podSpec(deployment).containers[0].volumeMounts),
      "volume dshm is not on /dev/shm of container proxy",
    ],
  });
  fails("containers", describePod, {
    "the sidecar crashes": [
      podOf({ sidecarStatus: { state: crashing } }),
      "pod main-a: container shm-cleanup is not running: CrashLoopBackOff (back-off 40s restarting failed container=shm-cleanup)",
    ],
    "an image is not to be had, which all other containers wait for": [
      podOf({
        sidecarStatus: { state: noImage },
        proxyStatus: { state: { waiting: { reason: "PodInitializing" } } },
      }),
      "pod main-a: container shm-cleanup is not running: ErrImagePull",
      { stuck: true },
    ],
    "a pod has no sidecar": [
      podOf({ status: { phase: "Running", initContainerStatuses: [] } }),
      "pod main-a: container shm-cleanup is not there",
    ],
  });
  fails("containers", waitForRollout, {
    "pods are not available": [deploymentOf(({ status }) => (status!.availableReplicas = 0)), "0 of 1 pods available"],
    "the rollout is given up, with an old pod alone, which is not to blame": [
      {
        ...deploymentOf((deployment) => {
          const end = { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" };
          deployment.status = { ...deployment.status, updatedReplicas: 0, conditions: [end] };
        }),
        ...podOf({ sidecar: false, status: { phase: "Running", containerStatuses: [] } }),
      },
      "0 of 1 pods updated; Kubernetes has given the rollout up (progressDeadlineSeconds)",
    ],
  });
  fails("containers", "Resume it: kubectl --namespace authentik rollout resume deployment ak-outpost-main", {
    "the rollout is paused": [
      deploymentOf(({ spec, status }) => {
        spec!.paused = true;
        status!.updatedReplicas = 0;
      }),
      "0 of 1 pods updated; it is paused (kubectl rollout resume)",
      { stuck: true },
    ],
  });
  const seeRefusal =
    "Change what refuses them, or the setting that it refuses: kubectl --namespace authentik describe deployment ak-outpost-main";
  fails("containers", seeRefusal, {
    "new pods are refused before there is a ReplicaSet, and the old pod has no sidecar": [
      {
        ...deploymentOf((deployment) => {
          const message = 'Failed to create new replica set "main-5d9": exceeded quota: no-replicasets';
          const refused = { type: "Progressing", status: "False", reason: "ReplicaSetCreateError", message };
          deployment.metadata!.generation = 2;
          deployment.status = { ...deployment.status, conditions: [refused] };
        }),
        ...podOf({ sidecar: false, shmSize: "64Mi" }),
      },
      "the rollout has not begun; Kubernetes refuses new pods: " +
        'Failed to create new replica set "main-5d9": exceeded quota: no-replicasets',
      { stuck: true },
    ],
  });
  const correctUser =
    "/dev/shm is mode 1777: only the uid that wrote a session can remove it, so nothing would be removed. " +
    "Correct `runAsUser`, and deploy again (`pulumi up --refresh`, or apply what `render` writes).";
  fails("containers", correctUser, {
    "the sidecar has another user than the outpost": [
      podOf({ users: [1000650000, 1000] }),
      "pod main-a: container proxy runs as uid 1000650000, and shm-cleanup as uid 1000",
      { stuck: true },
    ],
  });
  const [old, fresh] = [pod({ name: "main-a", sidecar: false }), pod({ name: "main-b" })];
  old.metadata!.creationTimestamp = secondsAgo(900);
  old.metadata!.labels!["pod-template-hash"] = "1";
  fresh.metadata!.creationTimestamp = secondsAgo(60);
  fresh.metadata!.labels!["pod-template-hash"] = "2";
  fresh.status!.conditions = [noNode];
  fails("containers", "See why: kubectl --namespace authentik describe pod main-b", {
    "one of the new pods has no node, beside an old one": [
      {
        ...deploymentOf((deployment) => (deployment.status = { ...deployment.status, availableReplicas: 0 })),
        pods: [old, fresh],
      },
      "pod main-b: it finds no node: Unschedulable (0/1 nodes)",
    ],
  });
  const removeFirst =
    "authentik recreates a Deployment whose first container is not its own: remove what was put before it.";
  fails("names", removeFirst, {
    "another container was put first": [
      deploymentOf((deployment) => podSpec(deployment).containers.unshift({ name: "istio-proxy" })),
      "the first container is istio-proxy, not proxy",
    ],
  });
  fails("names", "It was pasted by hand: see docs/delivery.md for how to have it taken over.", {
    "the sidecar was pasted by hand": [
      deploymentOf((deployment) => (podSpec(deployment).initContainers![0].env = [])),
      "container shm-cleanup is not this program's",
    ],
  });
  fails("names", bringIt, {
    "there are two sidecars": [
      deploymentOf((deployment) => podSpec(deployment).containers.push(podSpec(deployment).initContainers![0])),
      "container shm-cleanup is there 2 times",
    ],
  });
  const replaceIt =
    "The pod is not of the template that is wanted: wait for the rollout, or replace it: " +
    "kubectl --namespace authentik delete pod main-a (its users log in again).";
  fails("size", replaceIt, {
    "a pod still has the 64 MiB it had": [
      { exec: df(65536), pods: [pod({ shmSize: "64Mi" })] },
      "pod main-a: /dev/shm has 64Mi, not 256Mi (by df)",
    ],
  });
  const raiseLimit =
    "The kubelet gives no more than the pod's memory limit or the node's allocatable memory: " +
    "raise the limit to more than 256Mi, or lower shmSize.";
  fails("size", raiseLimit, {
    "the kubelet gives less": [{ exec: df(131072) }, "pod main-a: /dev/shm has 128Mi, not 256Mi (by df)"],
  });
  for (const [shmSize, kibibytes, by] of [
    ["1G", 976564, "pages of 4 KiB"],
    ["500M", 488320, "pages of 64 KiB"],
  ] as const) {
    it(`takes ${shmSize} for what the kernel makes of it by ${by}`, async () => {
      const { volumes } = podFragment(outpostSettings({ name: "main", shmSize }));
      const deployments = [patched((deployment) => Object.assign(podSpec(deployment), { volumes }))];
      assert.deepEqual(await failedChecks({ ...sound, deployments, exec: df(kibibytes) }), []);
      const [larger] = await failedChecks({ ...sound, deployments, exec: df(kibibytes + 64) });
      assert.equal(larger.check, "size");
    });
  }
  fails("sweep", sidecarLog, {
    "the last sweep is long ago": [
      { podProxy: metricsText({ sweptAgo: 905, inodes: 100 }) },
      "pod main-a: the last sweep was 15m ago, more than three intervals of 5m",
    ],
    "the last sweep is long ago even for the pause after a large one": [
      { podProxy: metricsText({ sweptAgo: 4600, inodes: 50_001 }) },
      "pod main-a: the last sweep was 76m ago, more than three intervals of 25m15s",
    ],
    "no sweep has ended": [
      { podProxy: "authentik_outpost_shm_sweep_errors_total 1\n" },
      "pod main-a: the metrics endpoint did not tell: no sweep has ended yet",
    ],
    "the last sweep could not remove files": [
      logOf('time=2026-11-24T02:59:41Z event=sweep errors=3 problem="rm: x: Operation not permitted"'),
      "pod main-a: the last sweep had errors: rm: x: Operation not permitted",
    ],
    "the last sweep failed, and the loop says so after it": [
      logOf(
        'time=2026-11-24T02:59:40Z event=sweep_failed dir=/dev/shm error="missing tool: awk"\n' +
          "time=2026-11-24T02:59:40Z event=sweep_failed status=1 retry_seconds=10",
      ),
      "pod main-a: the last sweep had errors: missing tool: awk",
    ],
    "the last sweep was killed": [
      logOf("time=2026-11-24T02:59:40Z event=sweep_failed status=137 retry_seconds=10"),
      "pod main-a: the last sweep had errors: exit status 137",
    ],
    "there were errors and the log is not to be had": [
      logOf(new Error("forbidden")),
      "pod main-a: the last sweep had errors: its log, which would tell, can't be read: forbidden",
    ],
  });

  /** A cluster whose pod has a container with these fields, which can't be exec'd in unless that is answered otherwise. */
  const inPod = (fields: Partial<V1Container>, exec: Answers["exec"] = new Error("no shell")): Answers => {
    const made = pod();
    Object.assign(made.spec!.containers[0], fields);
    return { pods: [made], exec };
  };
  const scaledDown = (tag: string): Answers => {
    const deployment = outpostDeployment("main", { replicas: 0 });
    deployment.spec!.template.spec!.containers[0].image = proxyImage(tag);
    return { ...withCronJob, deployments: [deployment], pods: [] };
  };
  const upToDate = proxyImage("2026.5.0");
  const elsewhere = { image: upToDate, env: [{ name: "TMPDIR", value: "/sessions" }] };
  const ofConfigMap = { configMapKeyRef: { name: "outpost", key: "tmp" } };
  const untold = { image: upToDate, env: [{ name: "TMPDIR", valueFrom: ofConfigMap }] };
  const inEnv = "Set TMPDIR to /dev/shm in its env (kubernetes_json_patches of the outpost, or its manifest)";
  const inSessions = "pod main-a: container proxy keeps its sessions in /sessions, not in /dev/shm";
  fails("sessions", `${inEnv}.`, {
    "they are elsewhere by TMPDIR in the running container": [
      inPod({ image: upToDate }, df(262144, "/sessions")),
      `${inSessions}: TMPDIR in its environment is /sessions`,
    ],
    "they are elsewhere by the spec, and no command can be run": [
      inPod(elsewhere),
      `${inSessions}: its env sets TMPDIR`,
    ],
  });
  fails("sessions", `${inEnv}, or upgrade authentik: from 2025.4.1 on the image sets it.`, {
    "the running container has no TMPDIR": [
      inPod({ image: proxyImage("latest") }, df(262144, "")),
      "pod main-a: container proxy keeps its sessions in /tmp, not in /dev/shm: TMPDIR in its environment is not set",
    ],
    "they are elsewhere by the Deployment, and there are no pods": [
      scaledDown("2024.12.3"),
      "Deployment ak-outpost-main: container proxy keeps its sessions in /tmp, not in /dev/shm: " +
        `${proxyImage("2024.12.3")}, from before 2025.4.1, sets no TMPDIR`,
    ],
  });
  fails("sessions", "Have somebody verify who may exec in the pods.", {
    "neither the spec nor a command tells where they are": [
      inPod(untold),
      "pod main-a: the place of its sessions is not known: its TMPDIR comes from ConfigMap outpost; no shell",
    ],
  });
  fails("sessions", "Upgrade authentik to 2025.10.3 or later.", {
    "forward auth is open": [
      inPod({ image: proxyImage("2025.10.1") }, df(262144)),
      `pod main-a: it runs ${proxyImage("2025.10.1")}, and ${isOpen}`,
    ],
  });
  const inShm: Record<string, [cluster: Answers, seen: string]> = {
    "the running container where the spec does not tell": [
      inPod(untold, df(262144)),
      "1 pod: sessions are in /dev/shm (by its environment)",
    ],
    "the image if no command can be run, which alone turns nothing red": [
      inPod({ image: upToDate }),
      "1 pod: sessions are in /dev/shm: its image sets TMPDIR",
    ],
    "the Deployment if there are no pods": [
      scaledDown("2026.5.0"),
      "there are no pods; sessions are in /dev/shm: its image sets TMPDIR",
    ],
  };
  for (const [what, [cluster, seen]] of Object.entries(inShm)) {
    it(`finds the sessions in /dev/shm by ${what}`, async () => {
      const checks = await checksOf({ ...sound, ...cluster });
      const told = checks.filter(({ check, passed }) => check === "sessions" || !passed);
      assert.deepEqual(told, [{ subject: "main", check: "sessions", passed: true, seen }]);
    });
  }

  /** Runs the check that ends `pulumi up`. */
  const verifyUpdate = (methods: Answers, expectation: object) =>
    runOn(methods, ["verify-update"], { input: () => JSON.stringify({ expectation, wait: 0, run: false }) });

  it("checks nothing but the rollout where that is all that is expected, and knows a pod without a node", async () => {
    const main = { name: "main", deployment: "ak-outpost-main", solution: "sidecar" };
    const expectation = { namespace: "authentik", rolloutOnly: true, outposts: [main] };
    const pending: V1Pod = { ...pod(), status: { phase: "Pending", conditions: [noNode] } };
    const { code, stdout, stderr } = await verifyUpdate({ deployment: patched(), pods: [pending] }, expectation);
    assert.deepEqual([code, stderr], [1, ""]);
    assert.deepEqual(stdout.split("\n"), [
      "OUTPOST  CHECK       RESULT  SEEN",
      "main     containers  FAIL    pod main-a: it finds no node: Unschedulable (0/1 nodes)",
      "",
      `main containers: ${describePod}`,
      "",
      "1 of 1 checks failed.",
      "",
    ]);
  });

  it("says once what is to be done about several", async () => {
    const pending = { phase: "Pending", initContainerStatuses: [], containerStatuses: [] };
    const { stdout } = await verify({ ...sound, pods: [pod({ status: pending })] });
    assert.match(
      stdout,
      /\n\nmain containers, main size, main sweep: See why: kubectl --namespace authentik describe pod main-a\n\n3 of 6 checks failed\.\n$/,
    );
  });

  it("takes a pause that the sidecar makes over many files for no fault, nor errors of former sweeps", async () => {
    const podProxy = metricsText({ sweptAgo: 4500, inodes: 50_001, errors: 2 });
    const log = "time=2026-11-24T01:00:00Z event=sweep errors=2\n";
    const { code, stdout } = await verify({ ...sound, podProxy, log });
    assert.equal(code, 0, stdout);
  });

  it("goes by the interval that the sidecar's settings have", async () => {
    const codeWith = async (interval: number) => {
      const configMap: Cluster["configMap"] = (_namespace, name) => {
        assert.equal(name, "ak-outpost-main-shm-cleanup");
        return Promise.resolve({ data: { settings: `SWEEP_INTERVAL_SECONDS=${interval}\n` } });
      };
      return (await verify({ ...sound, podProxy: metricsText({ sweptAgo: 100, inodes: 1 }), configMap })).code;
    };
    assert.deepEqual([await codeWith(30), await codeWith(40)], [1, 0]);
  });

  it("counts the pods that are wrong, and takes the size from the metrics where exec is refused", async () => {
    const pods = ["main-a", "main-b", "main-c"].map((name) => pod({ name }));
    const exec = new Error("forbidden");
    const podProxy: Cluster["podProxy"] = (_namespace, name) =>
      Promise.resolve(metricsText({ size: name === "main-a" ? 268435456 : 134217728 }));
    const { stdout } = await verify({ ...sound, pods, exec, podProxy });
    assert.match(
      stdout,
      /size {8}FAIL {4}pod main-b: \/dev\/shm has 128Mi, not 256Mi \(by metrics\) \(and 1 more of 3 pods\)\n/,
    );
  });

  it("fails where nothing sweeps an outpost", async () => {
    const seen = "neither a sidecar nor the CronJob sweeps it";
    const todo =
      "Add it to `outposts` and deploy again (`pulumi up --refresh`, or apply what `render` writes); until then: npx --no-install outpost-shm status ak-outpost-main --namespace authentik";
    const failed = await failedChecks({ ...sound, deployments: [outpostDeployment()] });
    assert.deepEqual(failed, [{ subject: "main", check: "solution", passed: false, seen, todo }]);
  });

  describe("with a stack", () => {
    const inDir = useTempDir();
    const onStack = (...args: string[]) =>
      runOn(sound, ["verify", "--stack", "dev", ...args], {}, { projectDir: inDir() });
    beforeEach(() => {
      const outposts = "[main, { name: public, solution: none }]";
      const keys = `authentik-outpost-shm:namespace: authentik\n  authentik-outpost-shm:outposts: ${outposts}`;
      writeFileSync(inDir("Pulumi.dev.yaml"), `config:\n  ${keys}\n  kubernetes:context: dev\n`);
    });

    it("checks what it names, by its settings unless a flag has another", async () => {
      assert.equal((await onStack()).code, 0);
      const { code, stdout } = await onStack("ak-outpost-main", "--shm-size", "1Gi");
      assert.equal(code, 1);
      assert.match(stdout, /^main {5}volume {6}FAIL {4}.*256Mi, not 1Gi/m);
    });

    it("refuses a name that is none of its outposts", async () => {
      const error = 'error: "mian" is no outpost of the stack; it has: main, public\n';
      const { code, stdout, stderr } = await onStack("mian");
      assert.deepEqual([code, stdout, stderr], [2, "", error]);
    });
  });

  it("ends with an error where there is no outpost", async () => {
    const error = refused("there is no Deployment of a proxy outpost in namespace authentik");
    assert.deepEqual(await verify({ ...sound, deployments: [], pods: [] }), error);
  });

  describe("of a CronJob", () => {
    const failing = async (methods: Answers, ...args: string[]) =>
      (await failedChecks({ ...withCronJob, ...methods }, ...args)).map(({ check, seen, todo }) => [check, seen, todo]);
    const forbidden = new Error("Kubernetes refused to review access: no", { cause: { code: 403 } });

    it("passes where all is as it should be", async () => {
      const { code, stdout } = await verify(withCronJob);
      assert.equal(code, 0);
      assert.deepEqual(stdout.split("\n"), [
        "OUTPOST  CHECK     RESULT  SEEN",
        "main     sessions  pass    1 pod: sessions are in /dev/shm (by its environment)",
        "CronJob  schedule  pass    0 * * * *, active; sweeps ak-outpost-main",
        "CronJob  run       pass    Job sweep-1 succeeded 10m ago",
        "CronJob  rbac      pass    ServiceAccount default may list pods and exec in them (SelfSubjectAccessReview as that account)",
        "",
        "All 4 checks passed.",
        "",
      ]);
    });

    it("asks, as its account, for all that its Role grants", async () => {
      const asked: unknown[] = [];
      const selfMay = (wish: Wish, as?: string) => (asked.push([wish, as]), allowed());
      await verify({ ...withCronJob, selfMay });
      const user = "system:serviceaccount:authentik:default";
      const namespace = "authentik";
      assert.deepEqual(asked, [
        [{ namespace, group: "apps", resource: "deployments", name: "ak-outpost-main", verb: "get" }, user],
        [{ namespace, resource: "pods", verb: "get" }, user],
        [{ namespace, resource: "pods", verb: "list" }, user],
        [{ namespace, resource: "pods", subresource: "exec", verb: "create" }, user],
        [{ namespace, resource: "pods", subresource: "exec", verb: "get" }, user],
      ]);
    });

    it("says that it is suspended where the settings have it so, judges no run, and fails where it is not", async () => {
      const outposts = [{ name: "main", deployment: "ak-outpost-main", container: "proxy", solution: "cronjob" }];
      const expectation = { namespace: "authentik", outposts, schedule: "0 * * * *", suspend: true };
      const cronJobLines = async (suspend: boolean) => {
        const cronJob = sweepCronJob(["main"], { suspend });
        const { code, stdout } = await verifyUpdate({ ...withCronJob, cronJob }, expectation);
        return [code, ...stdout.split("\n").filter((line) => /^CronJob {2}(schedule|run) /.test(line))];
      };
      const off = "0 * * * *, switched off by `suspend`; would sweep ak-outpost-main";
      assert.deepEqual(await cronJobLines(true), [0, `CronJob  schedule  pass    ${off}`]);
      const on = "it is not suspended, though the settings have `suspend: true`";
      assert.deepEqual(await cronJobLines(false), [1, `CronJob  schedule  FAIL    ${on}`]);
    });

    it("fails where the last run failed, with what it said of the pods", async () => {
      const containers = [{ name: "istio-proxy" }, { name: "shm-cleanup-cronjob" }];
      const runner = { metadata: { name: "sweep-1-x" }, spec: { containers } };
      const pods: Cluster["pods"] = (_namespace, selector) =>
        Promise.resolve(selector === "job-name=sweep-1" ? [runner] : [pod()]);
      const log: Cluster["log"] = (place) => {
        assert.deepEqual(place, { namespace: "authentik", pod: "sweep-1-x", container: "shm-cleanup-cronjob" });
        return Promise.resolve(
          'time=t outpost=main pod=main-a container=proxy result=failed status=126 reason="the container has no shell"\n' +
            "time=t outpost=main pod=main-b container=proxy result=swept removed=0\n" +
            'time=t outpost=main pod=main-c container=proxy result=failed reason="/dev/shm is still 96 % full after the sweep (usageCritical is 95)" removed=0\n',
        );
      };
      assert.deepEqual(await failing({ jobsOf: [job("Failed"), job("Complete")], pods, log }), [
        [
          "run",
          "Job sweep-1 failed: pod main-a: the container has no shell; pod main-c: /dev/shm is still 96 % full after the sweep (usageCritical is 95)",
          "See all it said: kubectl --namespace authentik logs job/sweep-1",
        ],
      ]);
    });

    const neverRun = sweepCronJob(["main"]);
    delete neverRun.status!.lastSuccessfulTime;
    const failures: Record<string, [cluster: Answers, check: string, seen: string, todo: string]> = {
      "it is suspended": [
        { cronJob: sweepCronJob(["main"], { suspend: true }) },
        "schedule",
        "it is suspended",
        'Find out who suspended it, then: kubectl --namespace authentik patch cronjob authentik-outpost-shm-cleanup -p \'{"spec":{"suspend":false}}\'',
      ],
      "it is missing": [
        { cronJob: undefined },
        "schedule",
        "there is no CronJob authentik-outpost-shm-cleanup in namespace authentik",
        "Deploy again (`pulumi up --refresh`, or apply what `render` writes), which brings it.",
      ],
      "it sweeps others only": [
        { cronJob: sweepCronJob(["other"]) },
        "schedule",
        "it does not sweep main",
        "Deploy again (`pulumi up --refresh`, or apply what `render` writes).",
      ],
      "it has not run yet": [
        { jobsOf: [], cronJob: neverRun },
        "run",
        "it has not run yet",
        "Start a run and have it judged: npx --no-install outpost-shm verify --run --namespace authentik",
      ],
      "its account may not exec": [
        { selfMay: ({ subresource }) => Promise.resolve({ allowed: subresource === undefined }) },
        "rbac",
        "ServiceAccount default may not create pods/exec, get pods/exec (SelfSubjectAccessReview as that account)",
        "Deploy again (`pulumi up --refresh`, or apply what `render` writes), which brings its Role and RoleBinding.",
      ],
    };
    for (const [what, [cluster, ...expected]] of Object.entries(failures)) {
      it(`fails where ${what}`, async () =>
        assert.deepEqual(await failing(cluster, "--solution", "cronjob"), [expected]));
    }

    it("takes a success whose Job is gone", async () =>
      assert.match(
        (await verify({ ...withCronJob, jobsOf: [] })).stdout,
        /the last run succeeded 10m ago; its Job is gone/,
      ));

    it("asks about the account where one may not impersonate it", async () => {
      const groups: unknown[] = [];
      const accountMay: Cluster["accountMay"] = (_wish, user, of) => (groups.push([user, of]), allowed());
      const { code, stdout } = await verify({ ...withCronJob, selfMay: forbidden, accountMay });
      assert.equal(code, 0);
      assert.match(stdout, /exec in them \(SubjectAccessReview, as you may not impersonate it\)/);
      assert.deepEqual(groups[0], [
        "system:serviceaccount:authentik:default",
        ["system:serviceaccounts", "system:serviceaccounts:authentik", "system:authenticated"],
      ]);
    });

    it("takes a run that succeeded for proof where neither may be asked, and says that it has none otherwise", async () => {
      const neither = { selfMay: forbidden, accountMay: forbidden };
      const { code, stdout } = await verify({ ...withCronJob, ...neither });
      assert.equal(code, 0);
      assert.match(
        stdout,
        /rbac {6}pass {4}not reviewed \(Kubernetes refused to review access: no\), but the last run succeeded as ServiceAccount default/,
      );
      assert.deepEqual((await failing({ ...neither, jobsOf: [] }))[0], [
        "rbac",
        "not known: you may neither impersonate ServiceAccount default nor review access (Kubernetes refused to review access: no)",
        "Have somebody check who may: kubectl --namespace authentik auth can-i get pods/exec --as system:serviceaccount:authentik:default; " +
          "kubectl --namespace authentik auth can-i create pods/exec --as system:serviceaccount:authentik:default",
      ]);
    });

    it("starts one run with --run once no outpost that is swept is being rolled out, and waits for its end", async () => {
      const started: string[] = [];
      let rounds = 0;
      const deployments = () => {
        const deployment = outpostDeployment();
        deployment.status!.availableReplicas = rounds++ === 0 ? 0 : 1;
        return Promise.resolve([deployment]);
      };
      const startJob: Cluster["startJob"] = (_cronJob, name) => (
        started.push(`${name} in round ${rounds}`),
        Promise.resolve()
      );
      const jobsOf = () => Promise.resolve([job(rounds < 3 ? undefined : "Complete")]);
      const { code, stderr } = await verify({ ...withCronJob, deployments, startJob, jobsOf }, "--run");
      assert.deepEqual([code, stderr, rounds, started.length], [0, "waiting for: CronJob run\n", 3, 1]);
      assert.match(started[0], /^authentik-outpost-shm-cleanup-verify-[0-9a-f]{6} in round 2$/);
    });

    it("judges the run that it started with --run, and waits no longer once that has failed", async () => {
      let started = "";
      const startJob: Cluster["startJob"] = (_cronJob, name) => ((started = name), Promise.resolve());
      const jobsOf = () => Promise.resolve([job(undefined, "sweep-2"), job("Failed", started)]);
      const [run] = await failedChecks({ ...withCronJob, startJob, jobsOf, log: "" }, "--run");
      const todo = `See all it said: kubectl --namespace authentik logs job/${started}`;
      const seen = `Job ${started} failed`;
      assert.deepEqual(run, { subject: "CronJob", check: "run", passed: false, seen, todo, final: true });
    });

    it("says what a run that was never started waited for", async () => {
      const deployment = outpostDeployment();
      deployment.status!.availableReplicas = 0;
      const cluster = { ...withCronJob, deployments: [deployment] };
      const { code, stdout } = await runOn(cluster, ["verify", "--run"], { now: ticking(100) });
      assert.equal(code, 1);
      assert.match(
        stdout,
        /^CronJob {2}run {7}FAIL {4}not started: Deployment ak-outpost-main: 0 of 1 pods available$/m,
      );
      const todo =
        "A run is started once that is over. See why it is not: kubectl --namespace authentik get deployments,pods";
      assert.ok(stdout.includes(`\nCronJob run: ${todo}\n`), stdout);
    });

    it("starts none where no CronJob sweeps, and says so", async () => {
      const { code, stdout, stderr } = await verify(sound, "--run");
      const error = "error: --run starts a run of the CronJob, and none sweeps these outposts\n";
      assert.deepEqual([code, stdout, stderr], [2, "", error]);
    });

    it("ends at once where it may not start one", async () => {
      const startJob = new Error("Kubernetes refused to create Job x: no", { cause: { code: 403 } });
      const { code, stdout, stderr } = await verify({ ...withCronJob, startJob }, "--run");
      assert.deepEqual([code, stdout, stderr], [1, "", "error: Kubernetes refused to create Job x: no\n"]);
    });

    it("waits for the next run where the last one failed", async () => {
      let rounds = 0;
      const jobsOf = () => Promise.resolve([job(rounds++ === 0 ? "Failed" : "Complete")]);
      const { code, stderr } = await verify({ ...withCronJob, jobsOf }, "--wait", "1m");
      assert.deepEqual([code, stderr], [0, "waiting for: CronJob run\n"]);
    });
  });

  describe("with --wait", () => {
    it("ends with the last checks if it is interrupted", async () => {
      const ctrlC = new AbortController();
      const exec = () => (ctrlC.abort(), Promise.resolve(df(65536)));
      const options = { interruption: () => ctrlC.signal };
      const { code, stdout, stderr } = await runOn({ ...sound, exec }, ["verify", "--wait", "1m"], options);
      assert.equal(code, 1);
      assert.match(stdout, /\n1 of 6 checks failed\.\n$/);
      assert.equal(stderr, "Interrupted. These are the last checks; what the cluster is at goes on.\n");
    });

    it("fails with the last error if it is interrupted after a round that could not be made", async () => {
      const ctrlC = new AbortController();
      const deployments = () => Promise.reject(new Error("No answer"));
      const pause = () => (ctrlC.abort(), Promise.resolve());
      const options = { interruption: () => ctrlC.signal, pause };
      const { code, stdout, stderr } = await runOn({ ...sound, deployments }, ["verify", "--wait", "1m"], options);
      assert.deepEqual([code, stdout, stderr], [1, "", "waiting for: No answer\nerror: No answer\n"]);
    });

    it("goes on until all passes, past an API server that is away, saying once what it waits for", async () => {
      let rounds = 0;
      const deployments = () =>
        rounds++ === 0 ? Promise.reject(new Error("No answer")) : Promise.resolve([patched()]);
      const exec = () => Promise.resolve(df(rounds < 4 ? 65536 : 262144));
      const { code, stdout, stderr } = await verify({ ...sound, deployments, exec }, "--wait", "1m");
      assert.deepEqual([code, stderr, rounds], [0, "waiting for: No answer\nwaiting for: main size\n", 4]);
      assert.match(stdout, /All 6 checks passed/);
    });

    it("gives up early on what only gets better if somebody mends it, naming the pod to blame", async () => {
      const broken = pod({ name: "main-b", sidecarStatus: { state: noImage } });
      const former = outpostPod({ name: "main-a", sidecar: false });
      let rounds = 0;
      const pods = () => (rounds++, Promise.resolve([former, broken]));
      const { code, stdout } = await runOn({ ...sound, pods }, ["verify", "--wait", "1h"], { now: ticking(10) });
      assert.equal(code, 1);
      assert.ok(rounds > 1 && rounds < 5, String(rounds));
      assert.match(stdout, /\nmain {5}containers {2}FAIL {4}pod main-b: container shm-cleanup is not running: ErrIm/);
    });

    it("gives up when time is up", async () => {
      let rounds = 0;
      const exec = () => (rounds++, Promise.resolve(df(65536)));
      const { code } = await runOn({ ...sound, exec }, ["verify", "--wait", "1m"], { now: ticking(20) });
      assert.deepEqual([code, rounds], [1, 2]);
    });
  });
});
