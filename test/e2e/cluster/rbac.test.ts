// The permissions of the CronJob's account, asked of the API server by impersonation. No kubelet runs here, so an allowed exec
// ends at the node. This file does not prove what it does in a pod.
import assert from "node:assert/strict";
import type { KubeConfig, V1ResourceAttributes } from "@kubernetes/client-node" with { "resolution-mode": "import" };
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

  const may = async (attributes: V1ResourceAttributes): Promise<boolean | undefined> => {
    const { AuthorizationV1Api } = await import("@kubernetes/client-node");
    const review = await asAccount
      .makeApiClient(AuthorizationV1Api)
      .createSelfSubjectAccessReview({ body: { spec: { resourceAttributes: attributes } } });
    return review.status?.allowed;
  };

  it("may get and list pods and exec into them, in its own namespace", async () => {
    const { namespace } = scenario;
    for (const verb of ["get", "list"]) assert.equal(await may({ namespace, resource: "pods", verb }), true, verb);
    for (const verb of ["create", "get"]) {
      assert.equal(await may({ namespace, resource: "pods", subresource: "exec", verb }), true, verb);
    }
  });

  const verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
  const resources: { group?: string; resource: string; subresource?: string; name?: string; but?: string[] }[] = [
    { resource: "pods", but: ["get", "list"] },
    { resource: "pods", subresource: "exec", but: ["create", "get"] },
    { resource: "pods", subresource: "attach" },
    { resource: "pods", subresource: "portforward" },
    { resource: "pods", subresource: "log" },
    { resource: "pods", subresource: "ephemeralcontainers" },
    { resource: "pods", subresource: "eviction" },
    { resource: "secrets" },
    { resource: "configmaps" },
    { resource: "serviceaccounts" },
    { resource: "serviceaccounts", subresource: "token" },
    { resource: "events" },
    { resource: "services" },
    { resource: "nodes" },
    { resource: "nodes", subresource: "proxy" },
    { resource: "namespaces" },
    { resource: "persistentvolumeclaims" },
    { group: "apps", resource: "deployments", name: "ak-outpost-main", but: ["get"] },
    { group: "apps", resource: "deployments" },
    { group: "apps", resource: "deployments", subresource: "scale" },
    { group: "apps", resource: "replicasets" },
    { group: "batch", resource: "jobs" },
    { group: "batch", resource: "cronjobs" },
    { group: "rbac.authorization.k8s.io", resource: "roles" },
    { group: "rbac.authorization.k8s.io", resource: "rolebindings" },
    { group: "rbac.authorization.k8s.io", resource: "clusterroles" },
    { group: "*", resource: "*" },
  ];
  for (const { group = "", resource, subresource, name, but = [] } of resources) {
    const what = [group, resource, subresource, name].filter(Boolean).join("/");
    it(`may do nothing${but.length > 0 ? " else" : ""} with ${what}`, async () => {
      const { namespace } = scenario;
      const allowed: string[] = [];
      for (const verb of verbs)
        if (await may({ namespace, group, resource, subresource, name, verb })) allowed.push(verb);
      assert.deepEqual(allowed.sort(), [...but].sort());
    });
  }

  it("may do none of it in another namespace, nor in all of them", async () => {
    for (const namespace of ["default", "kube-system", ""]) {
      assert.equal(await may({ namespace, resource: "pods", verb: "list" }), false, namespace);
      assert.equal(await may({ namespace, resource: "pods", subresource: "exec", verb: "create" }), false, namespace);
    }
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
