import assert from "node:assert/strict";
import type {
  V1ContainerStatus,
  V1CronJob,
  V1Deployment,
  V1DeploymentStatus,
  V1Pod,
} from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { authentikConfigFindings } from "../../../cli/doctor/authentikConfig";
import { authentikError } from "../../../authentik/apiErrors";
import { cleanerScripts } from "../../../cleaner/scripts";
import type { Cluster } from "../../../kubernetes/cluster";
import type { Expectation, ExpectedOutpost } from "../../../settings/verifyExpectation";
import { fakeSnapshot, foundBy, knownPod, NOW, outpostPod, sweepCronJob } from "./cluster";
import { counting, deployment, doctor, findings, finds, type Stage } from "./doctorScene";

/** Makes the outpost's pod, whose sidecar has this status. */
const pod = (sidecarStatus?: Partial<V1ContainerStatus>): V1Pod => outpostPod({ name: "main-b", sidecarStatus });

const forbidden =
  'pods "ak-outpost-main-5d9c7b8f4-x2x7k" is forbidden: exceeded quota: pods, used: pods=1, limited: pods=1';

/** Returns a Deployment whose rollout has not made its pod, for a reason in its status or its spec. */
function halted(status: V1DeploymentStatus, paused = false): V1Deployment {
  const made = deployment();
  made.spec!.paused = paused;
  made.status = { replicas: 1, updatedReplicas: 0, observedGeneration: 1, ...status };
  return made;
}
const failed = { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: forbidden };
const refusing = halted({ conditions: [failed] });

/** Returns what a stack expects that has these outposts, with the sidecar by default. */
const expecting = (...outposts: Partial<ExpectedOutpost>[]): Expectation => ({
  namespace: "authentik",
  outposts: outposts.map(({ name = "main", solution = "sidecar" }) => ({
    name,
    solution,
    deployment: `ak-outpost-${name}`,
    container: "proxy",
    sweepIntervalSeconds: 60,
  })),
});

const checked =
  "Checked: forward auth, sessions, selectors, rollout, solution, admission, containers, sidecar, scripts, authentik's log, two cleaners, leftovers, memory, machine clients, versions, exec, writes\n";
const noAccess =
  "Not checked: authentik's config (no access: it takes --stack with authentikUrl, and the token in AUTHENTIK_TOKEN)\n";

describe("doctor", () => {
  it("finds nothing where nothing is wrong, and says what it looked at and what it could not", async () => {
    assert.deepEqual(await doctor(), { code: 0, stdout: `${checked}${noAccess}Nothing found.\n`, stderr: "" });
  });

  it("prints what it finds as a paragraph, with the reason why it matters", async () => {
    assert.deepEqual(await doctor({ version: "v1.28.15-eks-1" }), {
      code: 1,
      stdout:
        "Deployment/ak-outpost-main (versions)\n" +
        "  seen: the cluster is v1.28.15-eks-1, from before 1.29, and the sidecar is a native one\n" +
        "  why:  Such a cluster waits for an init container to end, and the sidecar never does: the outpost does not start.\n" +
        "  do:   Set `solution` to cronjob, and deploy again (`pulumi up --refresh`, or apply what `render` writes).\n\n" +
        `${checked}${noAccess}1 finding.\n`,
      stderr: "",
    });
  });

  const seeRefusal =
    "Change what refuses them, or the setting that it refuses: kubectl --namespace authentik describe deployment ak-outpost-main";
  const why = {
    noPods: "Nobody gets at the outpost's applications.",
    full: "Its /dev/shm fills with the sessions of visitors, and once it is full, a visit gets HTTP 400, and a login can't begin.",
    unswept: "Nothing sweeps this pod's /dev/shm, and the pod is not ready: it is sent no visitors.",
    readOnly: "It can't remove sessions there, or has no place for its metrics and does not start.",
    age: "Who removes by age alone ends logins that ours would keep, typically after an hour; what is gone can't be told by our metrics.",
    pages: "Its pages count as the outpost's memory, so the outpost is OOM-killed before /dev/shm is full.",
    foreign: "The sidecars run what is in it, as the outpost's user: another version's scripts, or somebody's own.",
  };
  const waiting = (reason: string, message?: string): Stage => ({
    pods: [pod({ ready: false, state: { waiting: { reason, ...(message && { message }) } }, restartCount: 4 })],
  });
  const crashing = { ready: false, state: { waiting: { reason: "CrashLoopBackOff" } }, restartCount: 4 };
  const cleanup = (...command: string[]): V1CronJob => ({
    metadata: { name: "cleanup" },
    spec: {
      schedule: "0 * * * *",
      jobTemplate: { spec: { template: { spec: { containers: [{ name: "c", command }] } } } },
    },
  });
  const bare = {
    deployments: [deployment({ sidecar: false })],
    pods: [outpostPod({ name: "main-b", sidecar: false })],
  };
  const swept = { ...bare, cronJobs: [sweepCronJob(["main"])], ownObjects: [] };
  const leftBy = (owner: string): Stage => ({ ...swept, deployments: [deployment({ sidecar: false, owner })] });
  const hourly = cleanup("sh", "-c", "find /dev/shm -mmin +60 -delete");
  const oldGuide = cleanup("kubectl", "get", "pods", "-l", "app.kubernetes.io/name=authentik-proxy-outpost");
  const { files } = cleanerScripts();
  const foreignScripts =
    "If another version of this program deployed it, use that one's `doctor`. Otherwise find out who wrote it (`managedFields`), and deploy again (`pulumi up --refresh`, or apply what `render` writes).";
  const byDefault = { type: "Container", _default: { memory: "64Mi" } };
  const ofItsOwn =
    "Give the container a limit of its own of at least 320Mi where the Deployment comes from (authentik: kubernetes_json_patches), or lower `shmSize`.";
  const toolLess =
    'time=2026-11-24T02:59:40Z event=sweep_failed dir=/dev/shm error="missing tool: awk"\ntime=x event=sweep_failed status=1 retry_seconds=60\n';

  finds({
    "no outpost beside authentik itself": [
      { deployments: [], pods: [], ownObjects: [] },
      "Namespace/authentik (selectors): no Deployment of a proxy outpost",
      "authentik itself is here: its embedded outpost has no Deployment and needs none of this, since it keeps its sessions in PostgreSQL (before 2025.10 in Redis). If there are other outposts, name their namespace: npx --no-install outpost-shm doctor --namespace NAMESPACE",
      "There is nothing here to look after.",
    ],
    "a Deployment without pods": [
      { pods: [] },
      "Deployment/ak-outpost-main (selectors): it wants 1 pods and has none",
      "See why: kubectl --namespace authentik describe replicasets -l goauthentik.io/outpost-type=proxy,goauthentik.io/outpost-name=main (a quota, an admission webhook, Pod Security).",
      why.noPods,
    ],
    "new pods that a quota refuses, while the old one runs": [
      { deployments: [refusing] },
      `Deployment/ak-outpost-main (rollout): 0 of 1 pods updated; Kubernetes refuses new pods: ${forbidden}`,
      seeRefusal,
      "No pod has what was changed last, and a pod that ends is not replaced.",
    ],
    "a rollout that is paused": [
      { deployments: [halted({}, true)] },
      "Deployment/ak-outpost-main (rollout): 0 of 1 pods updated; it is paused (kubectl rollout resume)",
      "Resume it: kubectl --namespace authentik rollout resume deployment ak-outpost-main",
      "Not every pod has what was changed last.",
    ],
    "a sidecar whose sweeps are killed": [
      { logs: { "main-b": "time=x event=sweep errors=0\ntime=x event=sweep_failed status=137 retry_seconds=10\n" } },
      "Pod/main-b (sidecar): its log: time=x event=sweep_failed status=137 retry_seconds=10",
      "See what else its log says; whether it is still so: npx --no-install outpost-shm status main-b --namespace authentik",
      "Nothing was removed by that sweep.",
    ],
    "pods that are refused, and none there": [
      { deployments: [refusing], pods: [] },
      `Deployment/ak-outpost-main (rollout): 0 of 1 pods updated; Kubernetes refuses new pods: ${forbidden}`,
      seeRefusal,
      why.noPods,
    ],
    "a CronJob of an older guide, whose selector matches nothing": [
      { cronJobs: [oldGuide] },
      "CronJob/cleanup (selectors): it selects pods by authentik-proxy-outpost",
      "kubectl --namespace authentik delete cronjob cleanup, and deploy `solution: cronjob` of this program.",
      "No pod has that label: authentik calls them authentik-outpost-proxy. It has never cleaned anything.",
    ],
    "our CronJob with an outpost that is not there": [
      { cronJobs: [sweepCronJob(["main", "mian"])] },
      "CronJob/authentik-outpost-shm-cleanup (selectors): it sweeps Deployment ak-outpost-mian, which is not here",
      "Correct the name in `outposts` to that in authentik, and deploy again (`pulumi up --refresh`, or apply what `render` writes).",
      "Each of its runs fails for that outpost.",
    ],
    "an outpost that nothing sweeps": [
      { ...bare, ownObjects: [] },
      "Deployment/ak-outpost-main (solution): neither a sidecar nor the CronJob sweeps it",
      "Add it to `outposts` and deploy again (`pulumi up --refresh`, or apply what `render` writes). Room at once: npx --no-install outpost-shm cleanup --anonymous --namespace authentik",
      why.full,
    ],
    "an outpost whose CronJob is suspended": [
      { ...bare, cronJobs: [sweepCronJob(["main"], { suspend: true })], ownObjects: [] },
      "Deployment/ak-outpost-main (solution): CronJob authentik-outpost-shm-cleanup, which is to sweep it, is suspended",
      "Find out who suspended it, then: kubectl --namespace authentik patch cronjob authentik-outpost-shm-cleanup -p " +
        '\'{"spec":{"suspend":false}}\'',
      why.full,
    ],
    "an image that can't be pulled": [
      waiting("ImagePullBackOff", "Back-off pulling image\n busybox:9"),
      "Pod/main-b (sidecar): container shm-cleanup ImagePullBackOff (Back-off pulling image busybox:9)",
      "Set `cleanerImage` to an image that the nodes can pull (it is unknown), and deploy again (`pulumi up --refresh`, or apply what `render` writes).",
      why.unswept,
    ],
    "a container that would run as root": [
      waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root"),
      "Pod/main-b (sidecar): container shm-cleanup CreateContainerConfigError (container has runAsNonRoot and image will run as root)",
      "Set `runAsUser` to the outpost's uid, which is not 0, and deploy again (`pulumi up --refresh`, or apply what `render` writes).",
      why.unswept,
    ],
    "an image without a shell": [
      waiting("RunContainerError", 'exec: "/bin/sh": no such file or directory'),
      'Pod/main-b (sidecar): container shm-cleanup RunContainerError (exec: "/bin/sh": no such file or directory)',
      "See the events: kubectl --namespace authentik describe pod main-b. Mind `runAsUser` and `cleanerImage`, which has to have /bin/sh.",
      why.unswept,
    ],
    "a sidecar that was OOM-killed": [
      { pods: [pod({ lastState: { terminated: { reason: "OOMKilled", exitCode: 137 } }, restartCount: 1 })] },
      "Pod/main-b (sidecar): container shm-cleanup was OOM-killed (limit 32Mi)",
      "What it writes to /dev/shm counts too: see that nobody writes there by exec. If it is killed again and again, lower `shmSize` and report it with its log.",
      "A sidecar that is killed in the midst of a sweep does not make room.",
    ],
    "a sidecar of another uid than the outpost's": [
      {
        logs: {
          "main-b":
            'time=2026-11-24T02:59:40Z event=sweep dir=/dev/shm removed=0 errors=7 duration_ms=9 problem="rm: can\'t remove session_A: Operation not permitted"\n',
        },
      },
      "Pod/main-b (sidecar): its log: rm: can't remove session_A: Operation not permitted, 7 errors in the last sweep",
      "Set `runAsUser` to the outpost's own uid (kubectl --namespace authentik exec main-b -c proxy -- id -u; on OpenShift the namespace's), and deploy again (`pulumi up --refresh`, or apply what `render` writes).",
      "/dev/shm is mode 1777: only the uid that wrote a session can remove it, so nothing is removed.",
    ],
    "a read-only directory": [
      { logs: { "main-b": 'time=x event=sweep_failed dir=/dev/shm error="the directory is read-only"\n' } },
      "Pod/main-b (sidecar): its log: the directory is read-only",
      "A mount of it is read-only or another's: deploy again (`pulumi up --refresh`, or apply what `render` writes), which puts it right.",
      why.readOnly,
    ],
    "a sidecar without a place for its metrics, by the log of its last life": [
      {
        pods: [pod(crashing)],
        logs: { "main-b": 'time=x event=not_started error="METRICS_DIR /run/shm-cleanup cannot be written to"\n' },
      },
      "Pod/main-b (sidecar): its log: METRICS_DIR /run/shm-cleanup cannot be written to",
      "A mount of it is read-only or another's: deploy again (`pulumi up --refresh`, or apply what `render` writes), which puts it right.",
      why.readOnly,
    ],
    "an image without the tools": [
      { logs: { "main-b": toolLess } },
      "Pod/main-b (sidecar): its log: missing tool: awk",
      "Set `cleanerImage` to busybox 1.35 or later, or an image with the GNU tools, and deploy again (`pulumi up --refresh`, or apply what `render` writes).",
      "Nothing is removed.",
    ],
    "a sidecar that ends for a reason nobody knows": [
      { pods: [pod({ ...crashing, lastState: { terminated: { exitCode: 3 } } })], logs: { "main-b": "boom\n" } },
      "Pod/main-b (sidecar): container shm-cleanup has ended 4 times, last with exit code 3, saying: boom",
      "See what it says: kubectl --namespace authentik logs main-b -c shm-cleanup --previous",
      why.unswept,
    ],
    "a patch that authentik can't apply, by its log": [
      {
        logs: {
          "authentik-worker-0":
            '{"event":"started"}\n{"event":"task failed","exception":"jsonpatch.JsonPatchConflict: member \'volumes\' not found in {...}"}\n{"event":"ok"}\n',
        },
      },
      "Pod/authentik-worker-0 (authentik's log): authentik logged: member 'volumes' not found",
      "Its reference has no volumes: `add …/volumes/-` has no list to add to, `add …/volumes` of a whole list does. " +
        "Remove the patch and deploy by `delivery: deployment`, or have it composed by `delivery: authentik` (docs/delivery.md).",
      "The outpost's kubernetes_json_patches do not fit the Deployment, so authentik neither applies them nor updates it at all.",
    ],
    "another CronJob that clears /dev/shm": [
      { cronJobs: [hourly] },
      "CronJob/cleanup (two cleaners): it removes files from /dev/shm as well",
      'kubectl --namespace authentik delete cronjob cleanup, or kubectl --namespace authentik patch cronjob cleanup -p \'{"spec":{"suspend":true}}\' to try without it.',
      why.age,
    ],
    "a container of somebody's that clears /dev/shm": [
      {
        deployments: [
          deployment({ containers: [{ name: "janitor", command: ["sh", "-c", "rm /dev/shm/session_*"], env: [] }] }),
        ],
      },
      "Deployment/ak-outpost-main (two cleaners): container janitor removes files from /dev/shm as well",
      "Take container janitor out where it comes from (a patch in authentik, or by hand).",
      why.age,
    ],
    "the sidecar twice, by an older patch and by the stack": [
      {
        deployments: [
          deployment({ containers: [{ name: "shm-cleanup", command: ["sh"], env: [{ name: "SETTINGS_FILE" }] }] }),
        ],
      },
      "Deployment/ak-outpost-main (two cleaners): container shm-cleanup is there as an init container and as an ordinary one",
      "One is of an older patch: remove that from the outpost's kubernetes_json_patches in authentik, then `npx --no-install outpost-shm recreate ak-outpost-main --namespace authentik` (it asks authentik first, by --stack with `authentikUrl`, and a token in AUTHENTIK_TOKEN), and deploy again (`pulumi up --refresh`, or apply what `render` writes).",
      "Two sidecars sweep, and both want port 9301: one serves no metrics, and restarts.",
    ],
    "the settings of a sidecar that is gone": [
      { ...bare, cronJobs: [sweepCronJob(["main"])] },
      "ConfigMap/ak-outpost-main-shm-cleanup (leftovers): no Deployment with the sidecar reads it",
      "Run `pulumi up --refresh` of the stack that made it; where there is none: kubectl --namespace authentik delete configmap ak-outpost-main-shm-cleanup",
      "Settings that nobody reads mislead whoever changes them.",
    ],
    "an account without its CronJob": [
      {
        ownObjects: [
          { kind: "ConfigMap", name: "ak-outpost-main-shm-cleanup" },
          { kind: "RoleBinding", name: "authentik-outpost-shm-cleanup" },
        ],
      },
      "RoleBinding/authentik-outpost-shm-cleanup (leftovers): there is no CronJob that uses it",
      "Run `pulumi up --refresh` of the stack that made it; where there is none: kubectl --namespace authentik delete rolebinding authentik-outpost-shm-cleanup",
      "An account that may exec in the namespace's pods is a risk nobody needs.",
    ],
    "a volume that a removed patch has left": [
      leftBy("goauthentik.io"),
      "Deployment/ak-outpost-main (leftovers): volume dshm, init container shm-cleanup: owned by goauthentik.io, and without a container shm-cleanup nothing sweeps it",
      "Remove the patch where it is kept (the Admin UI, Terraform, a blueprint), then `npx --no-install outpost-shm recreate ak-outpost-main --namespace authentik` (it asks authentik first, by --stack with `authentikUrl`, and a token in AUTHENTIK_TOKEN), and deploy again (`pulumi up --refresh`, or apply what `render` writes); or, only where nobody else writes the outpost's config, have it taken over by `delivery: authentik`.",
      "A JSON patch in authentik put it there. authentik's merge never removes anything: it stays after the patch is gone, and keeps `delivery: deployment` from working.",
    ],
    "a volume put there by hand": [
      leftBy("kubectl-edit"),
      "Deployment/ak-outpost-main (leftovers): volume dshm, init container shm-cleanup: owned by kubectl-edit, and without a container shm-cleanup nothing sweeps it",
      "Remove it (kubectl --namespace authentik edit deployment ak-outpost-main), then deploy again (`pulumi up --refresh`, or apply what `render` writes).",
      "It was put there by hand, and keeps ours from being deployed: two owners of /dev/shm would get in each other's way.",
    ],
    "a memory limit below the size of /dev/shm": [
      { deployments: [deployment({ memory: "128Mi" })] },
      "Deployment/ak-outpost-main (memory): container proxy has a memory limit of 128Mi, and /dev/shm is of 256Mi, of which the kubelet gives 160Mi",
      "Raise the limit to at least 320Mi where the Deployment comes from (authentik: kubernetes_json_patches), or lower `shmSize`.",
      why.pages,
    ],
    "the default of a LimitRange below it": [
      { limitRanges: [{ metadata: { name: "defaults" }, spec: { limits: [byDefault] } }] },
      "Deployment/ak-outpost-main (memory): container proxy has a memory limit of 64Mi (the default of LimitRange defaults), and /dev/shm is of 256Mi, of which the kubelet gives 96Mi",
      ofItsOwn,
      why.pages,
    ],
    "a limit below it that the pods alone show": [
      { pods: [outpostPod({ name: "main-b", memory: "128Mi" })] },
      "Deployment/ak-outpost-main (memory): container proxy has a memory limit of 128Mi (by pod main-b; the Deployment itself has none), and /dev/shm is of 256Mi, of which the kubelet gives 160Mi",
      ofItsOwn,
      why.pages,
    ],
    "a memory limit below what the runtime gives without a volume": [
      { ...swept, deployments: [deployment({ sidecar: false, memory: "64Mi" })] },
      "Deployment/ak-outpost-main (memory): container proxy has a memory limit of 64Mi, and /dev/shm is of 64Mi",
      "Raise the limit to at least 128Mi where the Deployment comes from (authentik: kubernetes_json_patches), or lower `shmSize`.",
      why.pages,
    ],
    "a sidecar of another user than the outpost's, by the pod": [
      { pods: [outpostPod({ name: "main-b", users: [1000650000, 1000] })] },
      "Pod/main-b (sidecar): container proxy runs as uid 1000650000, and shm-cleanup as uid 1000",
      "Set `runAsUser` to 1000650000, or to `cluster` if the cluster assigns it, and deploy again (`pulumi up --refresh`, or apply what `render` writes).",
      "/dev/shm is mode 1777: only the uid that wrote a session can remove it, so nothing would be removed.",
    ],
    "exec that is refused": [
      {
        selfMay: ({ verb }) =>
          Promise.resolve(verb === "get" ? { allowed: false, reason: "no rule" } : { allowed: true }),
      },
      "Namespace/authentik (exec): you may not get pods/exec (no rule)",
      "Have both verbs on pods/exec granted in namespace authentik; then: kubectl --namespace authentik auth can-i get pods/exec",
      "`cleanup`, and `status` of a pod without the sidecar, work by exec. An exec over a WebSocket takes get, and from Kubernetes 1.35 create as well.",
    ],
    "scripts that were changed": [
      { configMap: { data: { ...files, "sweep.sh": "id\n" } } },
      "ConfigMap/authentik-outpost-shm-scripts (scripts): sweep.sh differs from the files of this version",
      foreignScripts,
      why.foreign,
    ],
    "scripts that are more, and fewer": [
      { configMap: { data: { "judge.awk": files["judge.awk"], "sidecar.sh": files["sidecar.sh"], extra: "id\n" } } },
      "ConfigMap/authentik-outpost-shm-scripts (scripts): extra, sha256, sweep.sh differ from the files of this version",
      foreignScripts,
      why.foreign,
    ],
    "scripts that are missing": [
      { configMap: undefined },
      "ConfigMap/authentik-outpost-shm-scripts (scripts): it is missing in namespace authentik",
      "Deploy again (`pulumi up --refresh`, or apply what `render` writes).",
      "A sidecar that starts without it waits and sweeps nothing; one that runs goes on until its pod ends.",
    ],
    "very many young logins": [
      { exec: counting(120) },
      "Pod/main-b (machine clients): 120 logins saved within the last hour, of 500 in all",
      "If that many people did not log in, see docs/runbooks/AuthentikOutpostShmSessionFilesHigh.md for such clients.",
      "A person logs in once a day. A client that sends an Authorization header and keeps no cookie writes a login every minute, 1,440 a day, and each stays for `authenticatedMaxAge`.",
    ],
    "a container appended by an old patch": [
      {
        deployments: [deployment({ containers: [{ name: "cleaner", command: ["sleep", "1"] }], sidecar: false })],
        cronJobs: [sweepCronJob(["main"])],
        ownObjects: [],
      },
      "Deployment/ak-outpost-main (writes): authentik has put container cleaner beside proxy, as an old JSON patch by `containers/-` does",
      "Remove that operation from the outpost's kubernetes_json_patches, then `npx --no-install outpost-shm recreate ak-outpost-main --namespace authentik` (it asks authentik first, by --stack with `authentikUrl`, and a token in AUTHENTIK_TOKEN), and deploy again (`pulumi up --refresh`, or apply what `render` writes); or have it taken over by `delivery: authentik`.",
      "With such a patch authentik writes the Deployment at every look, for ever; if it was removed, the container stays.",
    ],
  });

  it("takes a version that the API server was not built with for unknown", async () => {
    const { code, stdout } = await doctor({ version: "v0.0.0-master+$Format:%H$" });
    assert.equal(code, 0);
    assert.match(
      stdout,
      /\nNot checked: the cluster's version \(the API server says v0\.0\.0-master\+\$Format:%H\$\)\n/,
    );
    assert.doesNotMatch(stdout, /^Checked: .*\bversions\b/m);
  });

  it("takes a suspended CronJob for none, and our own beside the sidecar for a solution", async () => {
    const suspended = structuredClone(hourly);
    suspended.spec!.suspend = true;
    assert.equal((await doctor({ cronJobs: [suspended, sweepCronJob(["main"])] })).code, 0);
  });

  it("says nothing of a CronJob that mounts a folder of its own on /dev/shm and removes elsewhere", async () => {
    const backup = cleanup("sh", "-c", "pg_dump >/backup/new && find /backup -mtime +7 -delete");
    const { containers } = backup.spec!.jobTemplate.spec!.template.spec!;
    containers[0].volumeMounts = [{ name: "shm", mountPath: "/dev/shm" }];
    assert.equal((await doctor({ cronJobs: [backup] })).code, 0);
  });

  it("takes the name of older guides for right where pods have that label, or where it is no label", async () => {
    const named = deployment();
    named.spec!.template.metadata!.labels = { "app.kubernetes.io/name": "authentik-proxy-outpost" };
    assert.doesNotMatch((await doctor({ deployments: [named], cronJobs: [oldGuide] })).stdout, /it selects pods by/);
    const byName = cleanup("kubectl", "exec", "deploy/authentik-proxy-outpost", "--", "true");
    assert.equal((await doctor({ cronJobs: [byName] })).code, 0);
  });

  it("says where outposts are if there are none", async () => {
    const pods: Cluster["pods"] = (namespace, selector) =>
      Promise.resolve(selector === "app.kubernetes.io/name=authentik" ? [] : namespace ? [] : [pod()]);
    const { stdout } = await doctor({ deployments: [], pods, ownObjects: [] }, ["-n", "default"]);
    assert.equal(
      stdout,
      "Namespace/default (selectors)\n" +
        "  seen: no Deployment of a proxy outpost; some are in authentik\n" +
        "  why:  There is nothing here to look after.\n  do:   Look there: npx --no-install outpost-shm doctor --namespace authentik\n\n" +
        `${checked.replace(" authentik's log,", "")}${noAccess}` +
        "Not checked: authentik's log (no pods with the label app.kubernetes.io/name=authentik in namespace default; " +
        "--authentik-namespace names another)\n1 finding.\n",
    );
  });

  it("finds nothing in an outpost by hand that only our CronJob tells of", async () => {
    const byHand = deployment({ sidecar: false });
    byHand.metadata!.labels = {};
    byHand.spec!.template.spec!.containers[0].image = "registry.example.com/authentik-proxy:2025.12.4";
    assert.deepEqual(await findings({ ...swept, deployments: [byHand], cronJob: sweepCronJob(["main"]) }), []);
  });

  it("says what could not be read and why, and finds the rest", async () => {
    const refused = (what: string) => new Error(`Kubernetes refused to ${what}: forbidden`);
    const { code, stdout } = await doctor({
      version: "v1.28.0",
      cronJobs: refused("list the CronJobs in authentik"),
      ownObjects: refused("list the objects in authentik"),
      selfMay: refused("review access"),
      log: refused("show the log"),
    });
    assert.equal(code, 1);
    assert.equal(
      stdout.slice(stdout.indexOf("Checked: ")),
      "Checked: forward auth, sessions, rollout, admission, containers, scripts, memory, machine clients, versions, writes\n" +
        noAccess +
        "Not checked: authentik's log in pod authentik-worker-0 (Kubernetes refused to show the log: forbidden)\n" +
        "Not checked: CronJobs (Kubernetes refused to list the CronJobs in authentik: forbidden)\n" +
        "Not checked: exec (Kubernetes refused to review access: forbidden)\n" +
        "Not checked: leftovers (Kubernetes refused to list the objects in authentik: forbidden)\n" +
        "Not checked: logs of sidecars (main-b: Kubernetes refused to show the log: forbidden)\n" +
        "1 finding.\n",
    );
  });

  it("counts the pods that do not answer, names the first, and finds what the others tell", async () => {
    const names = ["main-a", "main-b", "main-c"];
    const log: Cluster["log"] = ({ pod }) =>
      pod === "main-a" ? Promise.resolve("event=sweep_failed") : Promise.reject(new Error(`no log of ${pod}`));
    const pods = names.map((name) => ({ ...pod(), metadata: { ...pod().metadata, name } }));
    const { stdout } = await doctor({ pods, log });
    assert.match(stdout, /^Not checked: logs of sidecars \(2 of 3 pods did not answer; main-b: no log of main-b\)$/m);
  });

  it("reads the logs of authentik's workers first, and not those of a mesh", async () => {
    const ofAuthentik = (component: string, index: number): V1Pod => ({
      metadata: { name: `authentik-${component}-${index}`, labels: { "app.kubernetes.io/component": component } },
      spec: { containers: [{ name: "istio-proxy" }, { name: component }] },
    });
    const servers = Array.from({ length: 8 }, (_, index) => ofAuthentik("server", index));
    const pods: Cluster["pods"] = (_namespace, selector) =>
      Promise.resolve(
        selector === "app.kubernetes.io/name=authentik" ? [...servers, ofAuthentik("worker", 0)] : [pod()],
      );
    const asked: string[] = [];
    const log: Cluster["log"] = ({ pod, container }) => (asked.push(`${pod} ${container}`), Promise.resolve(""));
    await doctor({ pods, log });
    const read = asked.filter((each) => each.startsWith("authentik-"));
    assert.deepEqual([read.length, ...read.slice(0, 2)], [8, "authentik-worker-0 worker", "authentik-server-0 server"]);
  });

  it("reads the log of the last life of a sidecar that is not running, and only the end of logs", async () => {
    const asked: unknown[] = [];
    const log: Cluster["log"] = (place, options) => (asked.push([place, options]), Promise.resolve(""));
    await doctor({ pods: [pod(crashing)], log });
    const sidecar = { namespace: "authentik", pod: "main-b", container: "shm-cleanup" };
    const worker = { namespace: "authentik", pod: "authentik-worker-0", container: "worker" };
    assert.deepEqual(asked, [
      [worker, { tailLines: 2000 }],
      [sidecar, { tailLines: 50, previous: true }],
    ]);
  });

  it("keeps what it has found if the observation fails or is interrupted, and says so", async () => {
    const args = ["--observe", "10m"];
    const failed = await doctor({ version: "v1.28.0", later: new Error("No answer") }, args);
    const interrupted = await doctor({ version: "v1.28.0" }, args, { interruption: () => AbortSignal.abort() });
    for (const [{ code, stdout }, why] of [
      [failed, "No answer"],
      [interrupted, "interrupted"],
    ] as const) {
      assert.match(stdout, /^Deployment\/ak-outpost-main \(versions\)\n/);
      assert.ok(stdout.includes(`\nNot checked: writes during --observe (${why})\n`), stdout);
      assert.equal(code, 1);
    }
  });

  it("watches with --observe whether authentik writes", async () => {
    const later = deployment();
    later.metadata!.generation = 2;
    later.spec!.replicas = 2;
    const [entry] = later.metadata!.managedFields!;
    Object.assign(entry, { operation: "Update", time: NOW });
    (entry.fieldsV1 as { "f:spec": object })["f:spec"] = { "f:replicas": {} };
    const { code, stdout, stderr } = await doctor({ later: [later] }, ["--observe", "1s"]);
    assert.equal(stderr, "observing for 1 s whether authentik writes the Deployments\n");
    assert.match(
      stdout,
      /^Deployment\/ak-outpost-main \(writes\)\n {2}seen: while it was observed \(generation 1 to 2\): goauthentik\.io \(Update\) at 2026-11-24T03:00:00\.000Z: spec\.replicas\n/,
    );
    assert.equal(code, 1);
    assert.equal((await doctor({}, ["--observe", "1s"])).code, 0);
  });

  it("has nothing to say of missing scripts where nothing reads them, nor of fewer young logins", async () => {
    const without = await doctor({ configMap: undefined, deployments: [deployment({ sidecar: false })] });
    assert.doesNotMatch(without.stdout, /\(scripts\)/);
    assert.equal((await doctor({ exec: counting(119) })).code, 0);
  });

  describe("with a stack", () => {
    type Wanted = Partial<Pick<ExpectedOutpost, "name" | "solution">> & { cronJobs?: V1CronJob[]; suspend?: true };

    /** Returns what a check finds of an outpost without a sidecar where the stack has this. */
    function found(check: string, { name = "main", solution = "sidecar", cronJobs = [], suspend }: Wanted) {
      const outposts = {
        deployments: [deployment({ sidecar: false })],
        pods: [outpostPod({ name: "main-b" })].map(knownPod),
      };
      const expectation = expecting({ name, solution });
      const snapshot = fakeSnapshot({
        outposts,
        cronJobs,
        expectation: { ...expectation, ...(suspend && { suspend }) },
      });
      return foundBy(check, snapshot).map(({ subject, seen, todo, why }) => [`${subject}: ${seen}`, todo, why]);
    }
    const suspended = [sweepCronJob(["main"], { suspend: true })];
    const cases: Record<string, [check: string, wanted: Wanted, seen: string, todo: string, why: string]> = {
      "that what it wants is not there, as after a recreation by authentik": [
        "solution",
        {},
        "Deployment/ak-outpost-main: the stack has `solution: sidecar` for it, and neither a sidecar nor the CronJob sweeps it",
        "Deploy again (`pulumi up --refresh`, or apply what `render` writes): authentik may have recreated the Deployment. Room at once: outpost-shm cleanup --anonymous",
        why.full,
      ],
      "that it has no solution for an outpost": [
        "solution",
        { solution: "none" },
        "Deployment/ak-outpost-main: neither a sidecar nor the CronJob sweeps it",
        "Set its `solution` to sidecar or cronjob, and deploy again (`pulumi up --refresh`, or apply what `render` writes). Room at once: outpost-shm cleanup --anonymous",
        why.full,
      ],
      "that it has the CronJob suspended itself": [
        "solution",
        { cronJobs: suspended, suspend: true },
        "Deployment/ak-outpost-main: CronJob authentik-outpost-shm-cleanup, which is to sweep it, is suspended, as the stack's `suspend: true` says",
        "If it is to sweep again, set `suspend` to false and deploy again (`pulumi up --refresh`, or apply what `render` writes).",
        why.full,
      ],
      "a CronJob that it does not want": [
        "leftovers",
        { cronJobs: [sweepCronJob(["main"])] },
        "CronJob/authentik-outpost-shm-cleanup: it is there, and no outpost of the stack has `solution: cronjob` or `both`",
        "Run `pulumi up --refresh`, or delete what an earlier `render` wrote (docs/gitops.md). Where that leaves it, another stack made it: find its state, or delete it with its Role, RoleBinding and ServiceAccount.",
        "It goes on sweeping by settings that nobody maintains.",
      ],
      "an outpost that has no Deployment": [
        "selectors",
        { name: "mian" },
        'Deployment/ak-outpost-mian: outpost "mian" of the stack has no such Deployment in namespace authentik; there are: ak-outpost-main',
        "Correct the name in `outposts` to that in authentik, or see why authentik has not deployed it: it takes a Kubernetes integration (Applications › Outposts › Edit).",
        "Nothing can be deployed to it.",
      ],
    };
    for (const [what, [check, wanted, ...expected]] of Object.entries(cases))
      it(`finds ${what}`, () => assert.deepEqual(found(check, wanted), [expected]));

    it("takes an outpost without a solution for one that need not be here", () =>
      assert.deepEqual(found("selectors", { name: "new", solution: "none" }), []));
  });

  describe("with access to authentik", () => {
    type Authentik = Parameters<typeof authentikConfigFindings>[1];
    const diagnosed = (live: V1Deployment, authentik: Authentik, deliveredByAuthentik = ["main"]) => {
      const outposts = { deployments: [live], pods: [] };
      const expectation = expecting({}, { name: "other" });
      return authentikConfigFindings(fakeSnapshot({ outposts, expectation, deliveredByAuthentik }), authentik);
    };
    const config = (operations: unknown[]) => {
      const outpost = { pk: "1", name: "main", config: { kubernetes_json_patches: { deployment: operations } } };
      return {
        readOutpost: () => Promise.resolve(outpost),
        findOutpost: () => Promise.resolve(outpost),
        lastChangeBy: () => Promise.resolve("terraform"),
      };
    };
    const operation = {
      op: "add",
      path: "/spec/template/spec/containers/0/volumeMounts",
      value: [{ mountPath: "/dev/shm" }],
    };

    const bare = deployment({ sidecar: false });
    const ours = deployment({ owner: "goauthentik.io" });
    const gone = "authentik has put the sidecar there, and the outpost's kubernetes_json_patches have it no more";
    const silent = { ...config([]), lastChangeBy: () => Promise.resolve(undefined) };
    const failing = (message: string, fault: object) => () => Promise.reject(authentikError(message, fault));
    const unfit = { ...config([]), readOutpost: failing('outpost "main" has no integration', { unfitOutpost: true }) };
    const unknown = failing("authentik has no outpost", { unknownOutpost: true });
    const none = { ...unfit, readOutpost: unknown, findOutpost: unknown };
    const rewritten =
      "Programs that write an outpost's config as a whole do that, such as Terraform (authentik_outpost) or a blueprint. A Deployment that authentik creates anew is without the sidecar.";
    const only = "authentik deploys, and patches, only proxy outposts that have a Kubernetes integration.";
    const cases: Record<string, [live: V1Deployment, authentik: Authentik, found: string[], delivered?: string[]]> = {
      "a patch that is there and not applied": [
        bare,
        config([operation]),
        [
          "the outpost's kubernetes_json_patches have /dev/shm, and the Deployment has no volume there",
          "authentik has the patch and has not applied it.",
        ],
      ],
      "a patch of ours that was taken out again, and who changed the outpost last": [
        ours,
        config([]),
        [`${gone}; by authentik's event log, terraform changed the outpost last`, rewritten],
      ],
      "such a patch where no event tells who it was": [ours, silent, [gone, rewritten]],
      "nothing of a sidecar that the stack itself has put there": [deployment(), config([]), []],
      "nothing without such a patch": [bare, config([]), []],
      "what authentik says of an outpost that it does not deploy": [
        deployment(),
        unfit,
        ['outpost "main" has no integration', only],
      ],
      "nothing of that if it is not to deliver": [deployment(), unfit, [], []],
      "an outpost that authentik does not have": [deployment(), none, ["authentik has no outpost", only]],
      "nothing of that either if it is not to deliver": [deployment(), none, [], []],
    };
    for (const [what, [live, authentik, expected, deliveredByAuthentik]] of Object.entries(cases)) {
      it(`finds ${what}`, async () => {
        const { found, unchecked } = await diagnosed(live, authentik, deliveredByAuthentik);
        const brief = found.flatMap(({ seen, why }) => [seen, why]);
        assert.deepEqual([brief, unchecked], [expected, []]);
      });
    }

    it("says once that authentik did not answer, and blames no outpost for it", async () => {
      const failing = () => Promise.reject(authentikError("authentik refuses the token, HTTP 403"));
      const authentik = { ...config([]), readOutpost: failing, findOutpost: failing };
      assert.deepEqual(await diagnosed(deployment(), authentik), {
        found: [],
        unchecked: [{ what: "authentik's config", why: "authentik refuses the token, HTTP 403" }],
      });
    });
  });
});
