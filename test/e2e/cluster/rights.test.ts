// An account with the rights that docs/ci.md lists, and no other, deploys everything there is and takes it away again.
import assert from "node:assert/strict";
import type { V1PolicyRule } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { problemsOf } from "./harness";
import { waitForRollout } from "./kubectl";
import { installOperatorKinds, removeOperatorKinds } from "./operatorKinds";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

const account = "deployer";
const verbs = ["get", "list", "watch", "create", "patch", "delete"];
const inNamespace: V1PolicyRule[] = [
  { apiGroups: ["apps"], resources: ["deployments"], verbs: ["get", "list", "patch"] },
  { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "create"] },
  { apiGroups: [""], resources: ["pods/exec"], verbs: ["create", "get"] },
  { apiGroups: [""], resources: ["configmaps", "serviceaccounts"], verbs },
  { apiGroups: ["batch"], resources: ["cronjobs"], verbs },
  { apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles", "rolebindings"], verbs },
  { apiGroups: ["monitoring.coreos.com"], resources: ["podmonitors", "prometheusrules"], verbs },
];
const admission = (kind: string): V1PolicyRule => ({
  apiGroups: ["admissionregistration.k8s.io"],
  resources: [`${kind}admissionpolicies`, `${kind}admissionpolicybindings`],
  verbs,
});

describe("the rights that docs/ci.md lists", () => {
  let scenario: Scenario;
  const config = { solution: "both", delivery: "admission", monitoring: true };
  let bare: Record<string, unknown>;
  let own: string;

  before(async () => {
    scenario = await openScenario({ name: "rights" });
    await installOperatorKinds(scenario.kubeConfig);
    own = await kubeconfig();
    await scenario.configure({ ...config, "kubernetes:kubeconfig": own });
    await grant(inNamespace, scenario.namespace);
    bare = await scenario.objects();
  });
  after(() => removeOperatorKinds(scenario.kubeConfig));
  after(closeScenarios);

  /** Gives the account rights, in a namespace or else in the whole cluster. */
  async function grant(rules: V1PolicyRule[], within?: string): Promise<void> {
    const kind = within ? "Role" : "ClusterRole";
    const apiGroup = "rbac.authorization.k8s.io";
    const metadata = { name: `${scenario.namespace}-${account}`, namespace: within };
    const subjects = [{ kind: "ServiceAccount", name: account, namespace: scenario.namespace }];
    const roleRef = { apiGroup, kind, name: metadata.name };
    for (const object of [
      { kind, rules },
      { kind: `${kind}Binding`, subjects, roleRef },
    ])
      await scenario.generic.create({ apiVersion: `${apiGroup}/v1`, metadata, ...object });
  }

  /** Creates the account. Returns its kubeconfig, as a text. */
  async function kubeconfig(): Promise<string> {
    const { core, kubeConfig, namespace } = scenario;
    await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: account } } });
    const body = { spec: { audiences: [] } };
    const { status } = await core.createNamespacedServiceAccountToken({ namespace, name: account, body });
    const { KubeConfig } = await import("@kubernetes/client-node");
    const own = new KubeConfig();
    own.loadFromString(kubeConfig.exportConfig());
    own.users = own.users.map((user) => ({ name: user.name, token: status!.token }));
    return own.exportConfig();
  }

  it("are enough, and those on the whole cluster are missed before anything is changed", async () => {
    const settings = { ...config, namespace: scenario.namespace, outposts: ["main"] };
    const problems = await problemsOf(own, "rights", settings);
    assert.deepEqual(
      problems.map((problem) => problem.split(",")[0]),
      [
        "delivery admission needs a MutatingAdmissionPolicy and its bindings",
        "restrictExec needs a ValidatingAdmissionPolicy and its binding",
      ],
    );
    await grant([admission("mutating"), admission("validating")]);
    await scenario.stack.up();
    await waitForRollout(scenario, "main");
    await scenario.stack.destroy();
    await waitForRollout(scenario, "main");
    assert.deepEqual(Object.keys(await scenario.objects()), Object.keys(bare));
  });
});
