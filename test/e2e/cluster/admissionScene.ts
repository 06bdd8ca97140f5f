// The test of delivery by admission does this beside the program.
import { get, type RequestOptions } from "node:https";
import { text } from "node:stream/consumers";
import type { V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { waitUntil } from "../../../sandbox/waitUntil";
import { carries, podsOf } from "./kubectl";
import type { Scenario } from "./scenario";

export class AdmissionScene {
  constructor(private readonly scenario: Scenario) {}

  /** Returns the pod that the API server would create. */
  dryRun({ metadata, spec }: V1Pod, namespace = this.scenario.namespace): Promise<V1Pod> {
    const body = { metadata: { labels: metadata?.labels, generateName: "neighbour-" }, spec };
    return this.scenario.core.createNamespacedPod({ namespace, body, dryRun: "All" });
  }

  /** Deletes a pod of outpost main. Resolves once its successor is there. */
  async deletePod({ metadata }: V1Pod): Promise<void> {
    const { core, namespace } = this.scenario;
    const { name, uid } = metadata!;
    await core.deleteNamespacedPod({ namespace, name: name!, gracePeriodSeconds: 0 });
    const isReplaced = async () => {
      const [pods, { spec }] = [await podsOf(this.scenario, "ak-outpost-main"), await this.scenario.deployment("main")];
      return (pods.length === spec?.replicas && pods.every((pod) => pod.metadata!.uid !== uid)) || undefined;
    };
    await waitUntil(isReplaced, { what: `the successor of pod ${name}`, timeoutMs: 30_000 });
  }

  /** Tells whether the API server would give a new pod of the outpost the sidecar now. */
  async admits(): Promise<boolean> {
    return carries(await this.dryRun((await this.scenario.deployment("main")).spec!.template));
  }

  private get policy() {
    const { stack, namespace } = this.scenario;
    const metadata = { name: `authentik-outpost-shm.${stack.name}.${namespace}` };
    return { apiVersion: "admissionregistration.k8s.io/v1", kind: "MutatingAdmissionPolicy", metadata };
  }

  async deletePolicy(): Promise<void> {
    await this.scenario.generic.delete(this.policy);
  }

  /** Replaces the patch by one that compiles and fails for every pod. */
  async breakPolicy(): Promise<void> {
    const { PatchStrategy } = await import("@kubernetes/client-node");
    const expression = '[JSONPatch{op: "add", path: "/spec/" + object.metadata.labels["no such label"], value: "x"}]';
    const mutations = [{ patchType: "JSONPatch", jsonPatch: { expression } }];
    const object = { ...this.policy, spec: { mutations } };
    const { generic } = this.scenario;
    await generic.patch(object, undefined, undefined, "kubectl-edit", undefined, PatchStrategy.MergePatch);
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
}

const textOf = (url: string, options: RequestOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, options, (answer) => void text(answer).then(resolve, reject)).once("error", reject);
  });
