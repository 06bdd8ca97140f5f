// `outpost-shm status` and `verify` on real pods: with the sidecar, with the CronJob, with neither; as an administrator and as
// accounts with fewer permissions; and `verify: true` at the end of an update.
import assert from "node:assert/strict";
import { SHELL_LESS_IMAGE } from "../../../sandbox/node/podNode";
import { visit } from "../../../sandbox/node/visits";
import { outpostShm, outpostShmAs, outpostShmOn, restrictedKubeconfig, rowsOf, type Grant } from "./outpostShm";
import { closeScenario, openScenario, type Scenario } from "./scenario";

const logins = 10;

describe("the command line", function () {
  this.timeout(300_000);
  let scenario: Scenario;
  const pods = { swept: "", scheduled: "", bare: "", "shell-less": "" };

  before(async () => {
    scenario = await openScenario({
      name: "cli",
      outposts: [
        { name: "swept" },
        { name: "scheduled" },
        { name: "bare" },
        { name: "shell-less", image: SHELL_LESS_IMAGE },
      ],
      config: {
        outposts: [
          { name: "swept", sweepInterval: "5s" },
          { name: "scheduled", solution: "cronjob" },
        ],
        verify: true,
        verifyTimeout: "90s",
      },
    });
  });
  after(() => closeScenario(scenario));

  describe("verify: true", () => {
    it("ends an update with checks that wait for rollout, first sweep and a run of the CronJob, and pass", async () => {
      const up = await scenario.stack.up();
      const said = up.diagnostics.map(({ message }) => message).join("\n");
      const lines = said.split("\n").filter((line) => / {2}(pass|FAIL) {2}/.test(line));
      const checks = lines.map((line) => line.split(/ {2,}/).slice(0, 3).join(" "));
      assert.deepEqual(checks, [
        ...["volume", "containers", "names", "size", "sessions", "sweep"].map((check) => `swept ${check} pass`),
        "scheduled sessions pass",
        ...["schedule", "run", "rbac"].map((check) => `CronJob ${check} pass`),
      ]);
      assert.match(said, /All 10 checks passed\./);
      for (const outpost of ["swept", "scheduled", "bare", "shell-less"] as const)
        pods[outpost] = await scenario.pod(outpost);
    });
  });

  describe("status", () => {
    /** Number of session files by pod, as the pod itself counts them. */
    const files: Record<string, number> = {};
    /** Formats 4 KiB a file, as the command does. */
    const used = (pod: string) => `${files[pod] * 4}Ki`;
    /** Returns the columns from INODES to DEBRIS. */
    const counts = (pod: string) => [files[pod] + 1, files[pod] - logins, logins, 0].map(String);

    before("visitors and logins at each outpost that can serve them", async () => {
      for (const outpost of ["swept", "scheduled", "bare"] as const) {
        const pod = pods[outpost];
        await visit(scenario, pod, { logins, rate: 200, seconds: 1 });
        files[pod] = await scenario.files(pod);
        assert.ok(files[pod] > 150, String(files[pod]));
      }
    });

    /** Waits until the sidecar has counted them. */
    const settled = async (): Promise<string> =>
      scenario.until("a sweep after the visits", async () => {
        const { status, stdout, stderr } = await outpostShm(scenario, "status");
        assert.deepEqual([status, stderr], [0, ""]);
        return rowsOf(stdout).rows[pods.swept][3] === used(pods.swept) ? stdout : undefined;
      });

    it("tells of each pod what it can, by what it has, and why it can't", async () => {
      const { rows, below } = rowsOf(await settled());
      const of = (pod: string) =>
        rows[pod].map((cell, index) => (index === 9 || index === 10 ? cell.replace(/^\d+/, "N") : cell));
      assert.deepEqual(of(pods.swept), [
        pods.swept,
        "sidecar",
        "256Mi",
        used(pods.swept),
        "0%",
        ...counts(pods.swept),
        "Ns",
        "Ns",
        "metrics",
      ]);
      assert.deepEqual(of(pods.scheduled), [
        ...[pods.scheduled, "cronjob", "64Mi", used(pods.scheduled), "1%", ...counts(pods.scheduled)],
        ...["Ns", "Ns", "exec"],
      ]);
      assert.deepEqual(of(pods.bare), [
        pods.bare,
        "none",
        "64Mi",
        used(pods.bare),
        "1%",
        ...counts(pods.bare),
        "Ns",
        "-",
        "exec",
      ]);
      assert.deepEqual(of(pods["shell-less"]), [pods["shell-less"], "none", ..."-".repeat(10)]);
      assert.equal(below.length, 2);
      assert.match(
        below[0],
        new RegExp(
          `^${pods["shell-less"]}: a count in container proxy did not tell: exec in container proxy of pod .*"sh": executable file not found in \\$PATH`,
        ),
      );
      assert.equal(
        below[1],
        `${pods["shell-less"]}: the kubelet did not tell: it knows volumes only, not the /dev/shm every container has`,
      );
    });

    const lists: Grant[] = [
      { verbs: "list", resources: "pods,deployments.apps" },
      { verbs: "get", resources: "cronjobs.batch" },
    ];

    it("goes by exec for an account that may not use pods/proxy", async () => {
      const kubeconfig = await restrictedKubeconfig(scenario, "exec-only", [
        ...lists,
        { verbs: "create,get", resources: "pods/exec" },
      ]);
      const { rows, below } = rowsOf((await outpostShmAs(kubeconfig, scenario, "status", "swept")).stdout);
      assert.deepEqual(
        [...rows[pods.swept].slice(2, 9), rows[pods.swept][11]],
        ["256Mi", used(pods.swept), "0%", ...counts(pods.swept), "exec"],
      );
      assert.equal(below.length, 1);
      assert.match(
        below[0],
        /: the metrics endpoint did not tell: Kubernetes refused to pass a request on to port 9301 of pod .*: pods ".*:9301" is forbidden: User "system:serviceaccount:node-cli:exec-only" cannot get resource "pods\/proxy"/,
      );
    });

    it("shows the outposts of all namespaces with -A, and tells an account of one which right it lacks", async () => {
      const { stdout } = await outpostShmOn(scenario.stage.cluster.kubeconfig, "status", "-A");
      assert.match(stdout, /^NAMESPACE +POD /);
      for (const pod of Object.values(pods)) assert.match(stdout, new RegExp(`^node-cli +${pod} `, "m"));
      assert.match(stdout, new RegExp(`^node-cli +${pods.bare} +none +64Mi +${used(pods.bare)} .* exec$`, "m"));
      const kubeconfig = await restrictedKubeconfig(scenario, "one-namespace", lists);
      assert.match(
        (await outpostShmOn(kubeconfig, "status", "-A")).stderr,
        /^error: Kubernetes refused to list the pods in all namespaces: pods is forbidden: User "system:serviceaccount:node-cli:one-namespace" cannot list resource "pods" .* --all-namespaces requires that right;/,
      );
    });

    it("goes by the kubelet for an account that may not exec either", async () => {
      const kubeconfig = await restrictedKubeconfig(scenario, "kubelet-only", lists);
      await scenario.kubectl("create", "clusterrole", "cli-kubelet", "--verb=get", "--resource=nodes/proxy");
      const subject = `--serviceaccount=${scenario.namespace}:kubelet-only`;
      await scenario.kubectl("create", "clusterrolebinding", "cli-kubelet", "--clusterrole=cli-kubelet", subject);
      // The kubelet looks at volumes once a minute.
      const row = await scenario.until(
        "the kubelet to have seen the visits",
        async () => {
          const { stdout } = await outpostShmAs(kubeconfig, scenario, "status", "swept");
          const { rows, below } = rowsOf(stdout);
          assert.equal(below.length, 3);
          assert.match(below[1], /the sidecar's metrics file did not tell: exec in .*cannot get resource "pods\/exec"/);
          return rows[pods.swept][3] === used(pods.swept) ? rows[pods.swept] : undefined;
        },
        120_000,
      );
      assert.deepEqual(row.slice(1), [
        ...["sidecar", "256Mi", used(pods.swept), "0%", counts(pods.swept)[0]],
        ...["-", "-", "-", "-", "-", "kubelet"],
      ]);
    });
  });

  describe("verify", () => {
    it("passes by what is in force, and names the outposts that nothing sweeps", async () => {
      const { status, stdout } = await outpostShm(scenario, "verify");
      assert.equal(status, 1);
      assert.match(stdout, /^bare {8}solution {4}FAIL {4}neither a sidecar nor the CronJob sweeps it$/m);
      assert.match(stdout, /^shell-less {2}solution {4}FAIL {4}neither/m);
      assert.match(stdout, /^2 of 12 checks failed\.$/m);
      const good = await outpostShm(scenario, "verify", "swept", "scheduled");
      assert.equal(good.status, 0, good.stdout);
      assert.match(good.stdout, /^swept {6}size {8}pass {4}1 pod: \/dev\/shm has 256Mi \(by df\)$/m);
      const inShm = /sessions {4}pass {4}1 pod: sessions are in \/dev\/shm \(by its environment\)$/.source;
      assert.match(good.stdout, new RegExp(`^swept {6}${inShm}`, "m"));
      assert.match(good.stdout, new RegExp(`^scheduled {2}${inShm}`, "m"));
      assert.match(good.stdout, /^CronJob {4}rbac {8}pass {4}.*\(SelfSubjectAccessReview as that account\)$/m);
    });
  });
});
