// Pod Security `restricted` enforced on the namespace, and the rights of the CronJob's account there with a token of its own.
import assert from "node:assert/strict";
import { cronJobName } from "../../../cleaner/names";
import { refusedExec, SWEEP_COMMAND } from "../cluster/sweepCommand";
import { runJob } from "./jobs";
import { closeScenario, openScenario, type Scenario } from "./scenario";

describe("in a namespace that enforces Pod Security `restricted`", function () {
  this.timeout(180_000);
  let scenario: Scenario;
  let pod: string;
  let token: string;

  before(async () => {
    scenario = await openScenario({
      name: "restricted",
      labels: { "pod-security.kubernetes.io/enforce": "restricted" },
      outposts: [{ name: "main" }, { name: "Second" }],
      config: { outposts: ["main", "Second"], solution: "both" },
    });
    await scenario.up();
    pod = await scenario.pod("main");
    token = (await scenario.kubectl("create", "token", cronJobName)).trim();
  });

  after(() => closeScenario(scenario));

  it("a pod that keeps none of its rules is refused", async () => {
    const { stderr } = await scenario.tryKubectl("run", "rule-breaker", "--image=docker.io/library/busybox:1.37");
    assert.match(
      stderr,
      /^Error from server \(Forbidden\): pods "rule-breaker" is forbidden: violates PodSecurity "restricted:latest"/,
    );
  });

  it("every pod of ours runs: the sidecars, and the CronJob's, which sweeps them", async () => {
    const { outcome, attempts } = await runJob(scenario, "restricted");
    assert.equal(outcome, "Complete");
    assert.deepEqual(
      attempts[0]
        .map(({ deployment, container, result }) => ({ deployment, container, result }))
        .sort((a, b) => a.deployment.localeCompare(b.deployment)),
      ["ak-outpost-main", "ak-outpost-second"].map((deployment) => ({
        deployment,
        container: "shm-cleanup",
        result: "swept",
      })),
    );
  });

  /** Runs kubectl with nothing but the account's own token. */
  const asAccount = (...args: string[]) => scenario.tryKubectl(`--token=${token}`, ...args);
  const account = () => `system:serviceaccount:${scenario.namespace}:${cronJobName}`;

  it("the account can run the sweep", async () => {
    const { status, stdout, stderr } = await asAccount("exec", pod, "--container=shm-cleanup", "--", ...SWEEP_COMMAND);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^time=\S+ event=sweep dir=\/dev\/shm .* errors=0 /);
  });

  it("the account can run nothing else, in neither container", async () => {
    for (const container of ["proxy", "shm-cleanup"]) {
      for (const command of [["id"], ["sh"], ["cat", "/var/run/secrets/kubernetes.io/serviceaccount/token"]]) {
        const { stdout, stderr } = await asAccount("exec", pod, `--container=${container}`, "--", ...command);
        assert.deepEqual({ stdout, stderr }, { stdout: "", stderr: refusedExec(pod, scenario.namespace) });
      }
    }
  });

  it("the account is refused other namespaces, secrets and deletes", async () => {
    const inNamespace = `in API group "" in the namespace "${scenario.namespace}"`;
    const refusals: [string[], string][] = [
      [["get", "secrets"], `secrets is forbidden: User "${account()}" cannot list resource "secrets" ${inNamespace}`],
      [
        ["delete", "pod", pod],
        `pods "${pod}" is forbidden: User "${account()}" cannot delete resource "pods" ${inNamespace}`,
      ],
      [
        ["--namespace=kube-system", "exec", "any", "--", "true"],
        `pods "any" is forbidden: User "${account()}" cannot get resource "pods" in API group "" in the namespace "kube-system"`,
      ],
    ];
    for (const [args, message] of refusals) {
      assert.equal((await asAccount(...args)).stderr, `Error from server (Forbidden): ${message}\n`);
    }
  });
});
