// What tests of delivery by admission look at and do beside the program.
import { get, type RequestOptions } from "node:https";
import { text } from "node:stream/consumers";
import type {
  AppsV1Api,
  ConfigurationOptions,
  CoreV1Api,
  KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
  V1Deployment,
  V1Pod,
  V1PolicyRule,
} from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { selectorOf } from "../../../kubernetes/selector";
import { openStack, type EngineStack } from "../../../sandbox/engine";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { waitUntil } from "../../../sandbox/waitUntil";
import { sharedCluster } from "./fixture";
import { sharedPulumi, type Scenario } from "./scenario";

/** Tells whether a pod has all of the sidecar: container, volume, and the mount in the outpost. */
export const carries = ({ spec }: V1Pod): boolean =>
  spec?.initContainers?.some(({ name }) => name === "shm-cleanup") === true &&
  spec.volumes?.some(({ name }) => name === "dshm") === true &&
  spec.containers[0].volumeMounts?.some(({ name, mountPath }) => name === "dshm" && mountPath === "/dev/shm") === true;

/** Number of rollouts that the Deployment has had. */
export const revisionOf = ({ metadata }: V1Deployment): number =>
  Number(metadata?.annotations?.["deployment.kubernetes.io/revision"]);

export class AdmissionScene {
  private constructor(
    private readonly scenario: Scenario,
    readonly api: KubernetesObjectApi,
    private readonly core: CoreV1Api,
    private readonly apps: AppsV1Api,
    private readonly headers: { strategicMerge: ConfigurationOptions },
    private readonly mergePatch: PatchStrategy,
  ) {}

  static async of(scenario: Scenario): Promise<AdmissionScene> {
    const { AppsV1Api, CoreV1Api, KubernetesObjectApi, PatchStrategy, setHeaderOptions } =
      await import("@kubernetes/client-node");
    const { kubeConfig } = scenario;
    return new AdmissionScene(
      scenario,
      KubernetesObjectApi.makeApiClient(kubeConfig),
      kubeConfig.makeApiClient(CoreV1Api),
      kubeConfig.makeApiClient(AppsV1Api),
      { strategicMerge: setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch) },
      PatchStrategy.MergePatch,
    );
  }

  deployment(name: string): Promise<V1Deployment> {
    return this.apps.readNamespacedDeployment({ namespace: this.scenario.namespace, name });
  }

  /** Lists the Deployment's pods that are not terminating. */
  async pods(deployment: string): Promise<V1Pod[]> {
    const labelSelector = selectorOf(await this.deployment(deployment));
    const { items } = await this.core.listNamespacedPod({ namespace: this.scenario.namespace, labelSelector });
    return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  }

  /** Resolves once all pods of the Deployment are of its present template. */
  async available(name: string): Promise<void> {
    await waitUntil(
      async () => {
        const { metadata, spec, status } = await this.deployment(name);
        const counts = [status?.updatedReplicas, status?.availableReplicas, status?.replicas];
        const isCurrent = status?.observedGeneration === metadata?.generation;
        return (isCurrent && counts.every((count) => count === spec?.replicas)) || undefined;
      },
      { what: `Deployment ${name} to be rolled out`, timeoutMs: 60_000 },
    );
  }

  async patch(name: string, spec: object): Promise<void> {
    const { namespace } = this.scenario;
    const body = { namespace, name, body: { spec }, fieldManager: "kubectl" };
    await this.apps.patchNamespacedDeployment(body, this.headers.strategicMerge);
  }

  async createNamespace(name: string): Promise<void> {
    await this.core.createNamespace({ body: { metadata: { name } } });
    // Pods require the account that a controller makes.
    await waitUntil(
      () => this.core.readNamespacedServiceAccount({ namespace: name, name: "default" }).catch(() => undefined),
      {
        what: `the default account of namespace ${name}`,
        timeoutMs: 30_000,
      },
    );
  }

  /** Creates a ServiceAccount with these rights in the namespace. Returns its kubeconfig, as a text. */
  async account(name: string, rules: V1PolicyRule[]): Promise<string> {
    const { kubeConfig, namespace } = this.scenario;
    await this.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
    await this.grant(name, rules, namespace);
    const body = { spec: { audiences: [] } };
    const { status } = await this.core.createNamespacedServiceAccountToken({ namespace, name, body });
    const { KubeConfig } = await import("@kubernetes/client-node");
    const own = new KubeConfig();
    own.loadFromString(kubeConfig.exportConfig());
    own.users = own.users.map((user) => ({ name: user.name, token: status!.token }));
    return own.exportConfig();
  }

  /** Gives the account more rights, in this namespace or else in the whole cluster. */
  async grant(account: string, rules: V1PolicyRule[], namespace?: string): Promise<void> {
    const kind = namespace ? "Role" : "ClusterRole";
    const apiGroup = "rbac.authorization.k8s.io";
    const metadata = { name: `${this.scenario.namespace}-${account}`, namespace };
    const subjects = [{ kind: "ServiceAccount", name: account, namespace: this.scenario.namespace }];
    const roleRef = { apiGroup, kind, name: metadata.name };
    for (const object of [
      { kind, rules },
      { kind: `${kind}Binding`, subjects, roleRef },
    ])
      await this.api.create({ apiVersion: `${apiGroup}/v1`, metadata, ...object });
  }

  /** Returns the pod that the API server would create. */
  dryRun({ metadata, spec }: V1Pod, namespace = this.scenario.namespace): Promise<V1Pod> {
    const body = { metadata: { labels: metadata?.labels, generateName: "neighbour-" }, spec };
    return this.core.createNamespacedPod({ namespace, body, dryRun: "All" });
  }

  async deletePod({ metadata }: V1Pod): Promise<void> {
    const { namespace } = this.scenario;
    await this.core.deleteNamespacedPod({ namespace, name: metadata!.name!, gracePeriodSeconds: 0 });
    await waitUntil(
      async () => !(await this.pods("ak-outpost-main")).some((pod) => pod.metadata!.uid === metadata!.uid) || undefined,
      { what: `pod ${metadata!.name} to be gone`, timeoutMs: 30_000 },
    );
    await waitUntil(
      async () => {
        const [pods, { spec }] = [await this.pods("ak-outpost-main"), await this.deployment("ak-outpost-main")];
        return pods.length === spec?.replicas || undefined;
      },
      { what: `the successor of pod ${metadata!.name}`, timeoutMs: 30_000 },
    );
  }

  /** Tells whether the API server would give a new pod of the outpost the sidecar now. */
  async admits(): Promise<boolean> {
    return carries(await this.dryRun((await this.deployment("ak-outpost-main")).spec!.template));
  }

  /** Reads the stack's policy. */
  readPolicy(): Promise<KubernetesObject> {
    return this.api.read(this.policy);
  }

  private get policy() {
    const { stack, namespace } = this.scenario;
    const metadata = { name: `authentik-outpost-shm.${stack.name}.${namespace}` };
    return { apiVersion: "admissionregistration.k8s.io/v1", kind: "MutatingAdmissionPolicy", metadata };
  }

  async deletePolicy(): Promise<void> {
    await this.api.delete(this.policy);
  }

  /** Replaces the patch by one that compiles and fails for every pod. */
  async breakPolicy(): Promise<void> {
    const expression = '[JSONPatch{op: "add", path: "/spec/" + object.metadata.labels["no such label"], value: "x"}]';
    const mutations = [{ patchType: "JSONPatch", jsonPatch: { expression } }];
    const object = { ...this.policy, spec: { mutations } };
    await this.api.patch(object, undefined, undefined, "kubectl-edit", undefined, this.mergePatch);
  }

  /** Number of evaluations of the policy's patches, by the API server's own metrics. */
  async evaluations(): Promise<number> {
    const { kubeConfig, namespace } = this.scenario;
    const options: RequestOptions = {};
    await kubeConfig.applyToHTTPSOptions(options);
    const answer = await textOf(`${kubeConfig.getCurrentCluster()!.server}/metrics`, options);
    const lines = answer.split("\n").filter((line) => /^apiserver_mutating_admission_policy_check_total\{/.test(line));
    const ours = lines.filter((line) => line.includes(`.${namespace}"`));
    return ours.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  /** Opens another stack of the program in the same namespace. */
  async secondStack(config: Record<string, unknown>): Promise<EngineStack> {
    const { kubeconfig, context } = await sharedCluster();
    const { namespace } = this.scenario;
    return openStack({
      stack: "second",
      stateDir: createStateFolder("engine-second"),
      kubeconfig,
      context,
      pulumi: await sharedPulumi(),
      config: { namespace, ...config },
    });
  }
}

const textOf = (url: string, options: RequestOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, options, (answer) => void text(answer).then(resolve, reject)).once("error", reject);
  });
