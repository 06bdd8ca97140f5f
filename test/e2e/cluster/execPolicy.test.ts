// The rights of the CronJob's account: by its policy, as the API server's own admission judges, and by its role alone. No kubelet
// runs here, so an allowed exec ends at the node. test/e2e/node proves that it runs.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { isDeepStrictEqual } from "node:util";
import type { V1ResourceRule } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { cronJobName } from "../../../cleaner/names";
import { cleanerScripts } from "../../../cleaner/scripts";
import { createOutpost } from "../../../sandbox/outpost";
import { silentProgress } from "../../../sandbox/progress";
import { ensureTools } from "../../../sandbox/toolchain";
import { waitUntil } from "../../../sandbox/waitUntil";
import { plain } from "./harness";
import { impersonating } from "./impersonating";
import { podNames } from "./kubectl";
import { closeScenarios, openScenario, type Scenario } from "./scenario";
import { refusedExec, SWEEP_COMMAND as sweep } from "./sweepCommand";

/** Matches the error of an exec that the API server lets through to a node that isn't there. */
const letThrough = /error dialing backend|no preferred addresses found/;

describe("the policy on the CronJob's account", () => {
  let scenario: Scenario;
  let kubectl: string;
  let pod: string;
  let refused: string;

  before(async () => {
    ({ kubectl } = await ensureTools(["kubectl"], silentProgress));
    scenario = await openScenario({ name: "exec-policy", config: { solution: "cronjob" } });
    await scenario.stack.up();
    [pod] = await podNames(scenario);
    refused = refusedExec(pod, scenario.namespace);
    const inForce = async () => ((await exec(["true"])) === refused ? true : undefined);
    await waitUntil(inForce, { what: "the policy to be in force", timeoutMs: 60_000 });
  });

  after(closeScenarios);

  /** Returns kubectl's error at the end of an exec, which the account makes by default. */
  const exec = (
    command: string[],
    options = ["--container=proxy"],
    as = [`--as=${account()}`],
    from = pod,
  ): Promise<string> => {
    const target = [`--kubeconfig=${scenario.kubeconfig}`, `--namespace=${scenario.namespace}`, ...as];
    const args = [...target, "exec", from, ...options, "--", ...command];
    return new Promise((resolve) => execFile(kubectl, args, (_error, _stdout, stderr) => resolve(stderr)));
  };
  const account = (): string => `system:serviceaccount:${scenario.namespace}:${cronJobName}`;

  it("lets the sweep through, as the CronJob runs it", async () => {
    assert.match(await exec(sweep), letThrough);
  });

  const others: Record<string, { command?: string[]; options?: string[] }> = {
    "another command": { command: ["id"] },
    "a shell": { command: ["sh"] },
    "another script": { command: ["sh", "-c", "rm -f /dev/shm/session_*", ...sweep.slice(3)] },
    "the sweep and more": { command: ["sh", "-c", `${cleanerScripts().sweep}\nid`, ...sweep.slice(3)] },
    "the sweep with other settings": {
      command: [...sweep.slice(0, 5), "ANONYMOUS_MAX_AGE_SECONDS=1", ...sweep.slice(6)],
    },
    "the sweep of another directory": { command: [...sweep, "SHM_DIR=/tmp"] },
    "the sweep without settings": { command: sweep.slice(0, 4) },
    "the sweep by another shell": { command: ["/bin/sh", ...sweep.slice(1)] },
    "the sweep with stdin": { options: ["--container=proxy", "--stdin"] },
  };
  for (const [what, { command = sweep, options }] of Object.entries(others)) {
    it(`refuses ${what}`, async () => {
      assert.equal(await exec(command, options), refused);
    });
  }

  it("refuses the sweep in a pod of somebody else's, though its container has the right name", async () => {
    const containers = ["proxy", "other"].map((name) => ({ name, image: "docker.io/library/busybox:1.37" }));
    const { core, namespace } = scenario;
    const create = (name: string) =>
      core.createNamespacedPod({ namespace, body: { metadata: { name }, spec: { containers } } });
    const run = (name: string, container: string) => exec(sweep, [`--container=${container}`], undefined, name);
    for (const name of ["neighbour", "ak-outpost-main-neighbour-5d4f8c7b9-abcde"]) {
      await create(name);
      assert.equal(await run(name, "proxy"), refusedExec(name, namespace));
    }
    // Only the names tell pods apart: who may create a pod of such a name can have it swept.
    const alike = "ak-outpost-main-5d4f8c7b9-abcde";
    await create(alike);
    await waitUntil(async () => letThrough.test(await run(alike, "proxy")) || undefined, {
      what: "the pod to be scheduled",
      timeoutMs: 30_000,
    });
    assert.equal(await run(alike, "other"), refusedExec(alike, namespace));
    await core.deleteNamespacedPod({ namespace, name: alike });
  });

  it("is about nobody else", async () => {
    assert.match(await exec(["id"], undefined, []), letThrough);
  });

  it("follows the settings of the sweep, and refuses those of another outpost", async () => {
    await scenario.configure({ solution: "cronjob", outposts: [{ name: "main", anonymousMaxAge: "30m" }, "second"] });
    await createOutpost(scenario.kubeconfig, { namespace: scenario.namespace, name: "second" });
    await scenario.stack.up();
    const of30m = [...sweep.slice(0, 5), "ANONYMOUS_MAX_AGE_SECONDS=1800", ...sweep.slice(6)];
    const [, second] = (await podNames(scenario)).filter((name) => name.startsWith("ak-outpost-"));
    const follows = async () => (letThrough.test(await exec(of30m)) ? true : undefined);
    await waitUntil(follows, { what: "the changed policy to be in force", timeoutMs: 60_000 });
    assert.equal(await exec(sweep), refused);
    assert.match(await exec(sweep, undefined, undefined, second), letThrough);
    assert.equal(await exec(of30m, undefined, undefined, second), refusedExec(second, scenario.namespace));
  });

  /** Returns the API server's list of what the account may do in a namespace, beyond what every account may. */
  async function rights(namespace: string): Promise<V1ResourceRule[]> {
    const { AuthorizationV1Api } = await import("@kubernetes/client-node");
    const rulesOf = async (user: string) => {
      const api = (await impersonating(scenario, user)).makeApiClient(AuthorizationV1Api);
      return (await api.createSelfSubjectRulesReview({ body: { spec: { namespace } } })).status!.resourceRules;
    };
    const everyones = await rulesOf("system:serviceaccount:default:somebody");
    const isOwn = (rule: V1ResourceRule) => !everyones.some((other) => isDeepStrictEqual(rule, other));
    return (await rulesOf(account())).filter(isOwn);
  }

  it("leaves a role to exec into pods and read what it takes to find them, in its own namespace alone", async () => {
    assert.deepEqual(plain(await rights(scenario.namespace)), [
      {
        apiGroups: ["apps"],
        resources: ["deployments"],
        resourceNames: ["ak-outpost-main", "ak-outpost-second"],
        verbs: ["get"],
      },
      { apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] },
      { apiGroups: [""], resources: ["pods/exec"], verbs: ["create", "get"] },
    ]);
    for (const namespace of ["default", "kube-system"]) assert.deepEqual(await rights(namespace), [], namespace);
  });
});
