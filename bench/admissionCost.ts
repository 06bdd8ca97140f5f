import type { CoreV1Api, KubernetesObject, KubernetesObjectApi, V1Pod } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { policySpec } from "../components/admission/policySpec";
import { clients } from "../sandbox/clients";
import { createOutpost, referenceDeployment } from "../sandbox/outpost";
import { waitUntil } from "../sandbox/waitUntil";
import { resolveSettings } from "../settings/resolve";
import { podFragment } from "../podPatch/podFragment";
import { inTurns, onCluster } from "./onCluster";

/** Milliseconds that the API server takes for the creation of one pod, the median of many. */
export interface AdmissionCost {
  pods: number;
  /** An outpost's pod in a namespace that no policy is for. */
  without: number;
  /** An outpost's pod, which gets the sidecar. */
  admitted: number;
  /** A pod beside it, with other labels. */
  neighbour: number;
}

const namespace = "bench-admission";
const elsewhere = "bench-elsewhere";

/** Measures dry runs in turns on the sandbox's API server. They go through all of admission and leave nothing behind. */
export function admissionCost(pods: number): Promise<AdmissionCost> {
  return onCluster("admission", async ({ kubeconfig }) => {
    for (const each of [namespace, elsewhere]) await createOutpost(kubeconfig, { namespace: each, name: "main" });
    const { core, generic } = await clients(kubeconfig);
    const outpost = podOf("main");
    const neighbour: V1Pod = { ...outpost, metadata: { ...outpost.metadata, labels: { app: "neighbour" } } };
    await createPolicy(generic);
    const isInForce = async () => (await create(core, outpost)).spec?.initContainers;
    await waitUntil(isInForce, { what: "the policy to come into force", timeoutMs: 10_000 });
    const taken = await inTurns(pods, {
      without: () => create(core, outpost, elsewhere),
      admitted: () => create(core, outpost),
      neighbour: () => create(core, neighbour),
    });
    return {
      pods,
      without: medianMs(taken.without),
      admitted: medianMs(taken.admitted),
      neighbour: medianMs(taken.neighbour),
    };
  });
}

function podOf(name: string): V1Pod {
  const { metadata, spec } = referenceDeployment({ namespace, name }).spec!.template;
  return { metadata: { labels: metadata?.labels, generateName: "bench-" }, spec };
}

async function createPolicy(objects: KubernetesObjectApi): Promise<void> {
  const [settings] = resolveSettings({ namespace, outposts: ["main"] }).outposts;
  const podSelector = referenceDeployment({ namespace, name: "main" }).spec!.selector;
  const outpost = { deployment: settings.deployment, podSelector, fragment: podFragment(settings) };
  const apiVersion = "admissionregistration.k8s.io/v1";
  const metadata = { name: namespace };
  const policy = { apiVersion, kind: "MutatingAdmissionPolicy", metadata, spec: policySpec(namespace, [outpost]) };
  const binding = { apiVersion, kind: "MutatingAdmissionPolicyBinding", metadata, spec: { policyName: namespace } };
  for (const object of [policy, binding]) await objects.create<KubernetesObject>(object);
}

const create = (core: CoreV1Api, body: V1Pod, where = namespace): Promise<V1Pod> =>
  core.createNamespacedPod({ namespace: where, body, dryRun: "All" });

const medianMs = (seconds: number[]): number =>
  1000 * [...seconds].sort((a, b) => a - b)[Math.floor(seconds.length / 2)];
