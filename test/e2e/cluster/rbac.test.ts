// The permissions of the CronJob's account, asked of the API server by impersonation. No kubelet runs here, so an allowed exec
// ends at the node. This file does not prove what it does in a pod.
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { KubeConfig, V1ResourceRule } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { impersonating } from "./impersonating";
import { podNames } from "./kubectl";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

const account = "authentik-outpost-shm-cleanup";

describe("the CronJob's account", () => {
  let scenario: Scenario;
  let asAccount: KubeConfig;

  before(async () => {
    // Only the role; test/e2e/cluster/execPolicy.test.ts has what a policy leaves of it.
    scenario = await openScenario({ name: "rbac", config: { solution: "cronjob", restrictExec: false } });
    await scenario.stack.up();
    asAccount = await impersonating(scenario, `system:serviceaccount:${scenario.namespace}:${account}`);
  });

  after(closeScenarios);

  /** Returns the API server's list of what the account may do in a namespace, beyond what every account may. */
  async function rights(namespace: string): Promise<V1ResourceRule[]> {
    const { AuthorizationV1Api } = await import("@kubernetes/client-node");
    const rulesOf = async (kubeConfig: KubeConfig) => {
      const review = { body: { spec: { namespace } } };
      const { status } = await kubeConfig.makeApiClient(AuthorizationV1Api).createSelfSubjectRulesReview(review);
      return status!.resourceRules;
    };
    const everyones = await rulesOf(await impersonating(scenario, "system:serviceaccount:default:somebody"));
    const isOwn = (rule: V1ResourceRule) => !everyones.some((other) => isDeepStrictEqual(rule, other));
    return (await rulesOf(asAccount)).filter(isOwn);
  }

  it("may exec into pods and read what it takes to find them, in its own namespace alone", async () => {
    const own = JSON.parse(JSON.stringify(await rights(scenario.namespace))) as unknown;
    assert.deepEqual(own, [
      { apiGroups: ["apps"], resources: ["deployments"], resourceNames: ["ak-outpost-main"], verbs: ["get"] },
      { apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] },
      { apiGroups: [""], resources: ["pods/exec"], verbs: ["create", "get"] },
    ]);
    for (const namespace of ["default", "kube-system"]) assert.deepEqual(await rights(namespace), [], namespace);
  });

  it("gets past the API server with an exec into an outpost's pod, and nowhere with one elsewhere", async () => {
    const [pod] = await podNames(scenario);
    // kwok's node has no kubelet, so the API server fails to reach it. It only tries that once exec is allowed.
    assert.match(await exec(asAccount, scenario.namespace, pod), /error dialing backend|502|500/i);
    assert.match(await exec(asAccount, "default", pod), /403/);
  });
});

/** Returns the error that an exec ends with. */
async function exec(kubeConfig: KubeConfig, namespace: string, pod: string): Promise<string> {
  const { Exec } = await import("@kubernetes/client-node");
  try {
    await new Exec(kubeConfig).exec(namespace, pod, "proxy", ["true"], null, null, null, false);
    return "no error";
  } catch (error) {
    return String((error as Error).message ?? (error as { error?: Error }).error?.message ?? JSON.stringify(error));
  }
}
