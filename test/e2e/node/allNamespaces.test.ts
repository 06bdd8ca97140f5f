// `outpost-shm status`, `doctor` and `cleanup` with -A: outposts of two namespaces at once, on real pods.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { visit } from "../../../sandbox/node/visits";
import { outpostShmOn, restrictedKubeconfig } from "./outpostShm";
import { closeScenario, openScenario, type Scenario } from "./scenario";

const logins = 5;
/** Younger sessions always stay. */
const untilOldMs = 6_000;

describe("--all-namespaces", function () {
  this.timeout(300_000);
  const scenarios: Scenario[] = [];
  const pods: string[] = [];

  before(async () => {
    for (const name of ["all-one", "all-two"]) scenarios.push(await openScenario({ name }));
    for (const scenario of scenarios) {
      const pod = await scenario.pod("main");
      await visit(scenario, pod, { logins, rate: 50, seconds: 1 });
      pods.push(pod);
    }
    await pause(untilOldMs);
  });
  after(async () => {
    for (const scenario of scenarios) await closeScenario(scenario);
  });

  const kubeconfig = () => scenarios[0].stage.cluster.kubeconfig;
  /** Returns the first two cells of each row. */
  const named = (stdout: string) =>
    stdout
      .split("\n\n")[0]
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/).slice(0, 2));
  const files = () => Promise.all(scenarios.map((scenario, index) => scenario.files(pods[index])));

  it("shows the pods of both, each with its namespace", async () => {
    const { status, stdout, stderr } = await outpostShmOn(kubeconfig(), "status", "-A");
    assert.deepEqual([status, stderr], [0, ""]);
    assert.deepEqual(named(stdout), [
      ["NAMESPACE", "POD"],
      ["node-all-one", pods[0]],
      ["node-all-two", pods[1]],
    ]);
  });

  it("diagnoses both", async () => {
    const { status, stdout } = await outpostShmOn(kubeconfig(), "doctor", "--all-namespaces");
    assert.equal(status, 1);
    assert.deepEqual(stdout.match(/^Namespace .*|outpost-shm cleanup .*/gm), [
      "Namespace node-all-one:",
      "outpost-shm cleanup --anonymous --namespace node-all-one",
      "Namespace node-all-two:",
      "outpost-shm cleanup --anonymous --namespace node-all-two",
    ]);
  });

  it("sweeps both", async () => {
    for (const count of await files()) assert.ok(count >= logins + 40, String(count));
    const { status, stdout } = await outpostShmOn(kubeconfig(), "cleanup", "-A", "--anonymous", "--yes");
    assert.equal(status, 0, stdout);
    assert.deepEqual(named(stdout).slice(1, 3), [
      ["node-all-one", pods[0]],
      ["node-all-two", pods[1]],
    ]);
    assert.deepEqual(await files(), [logins, logins]);
  });

  it("tells an account of one namespace which right it lacks", async () => {
    const grants = [{ verbs: "list", resources: "pods,deployments.apps" }];
    const restricted = await restrictedKubeconfig(scenarios[0], "one-namespace", grants);
    assert.deepEqual(await outpostShmOn(restricted, "status", "-A"), {
      status: 1,
      stdout: "",
      stderr:
        'error: Kubernetes refused to list the pods in all namespaces: pods is forbidden: User "system:serviceaccount:node-all-one:one-namespace" ' +
        'cannot list resource "pods" in API group "" at the cluster scope. ' +
        "--all-namespaces requires that right; without it, name one namespace by --namespace\n",
    });
  });
});
