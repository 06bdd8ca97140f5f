import { setTimeout as pause } from "node:timers/promises";
import type { CoreV1Api, KubernetesObject, KubernetesObjectApi, V1Pod } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { policySpec } from "../components/admission/policySpec";
import { clients } from "../sandbox/clients";
import { createOutpost, referenceDeployment } from "../sandbox/outpost";
import { resolveSettings } from "../settings/resolve";
import { podFragment } from "../sidecar/podFragment";
import { onCluster } from "./onCluster";

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
    await untilAdmitted(core, outpost);
    const taken: Record<"without" | "admitted" | "neighbour", number[]> = { without: [], admitted: [], neighbour: [] };
    for (let n = 0; n < pods; n++) {
      taken.without.push(await timed(core, outpost, elsewhere));
      taken.admitted.push(await timed(core, outpost));
      taken.neighbour.push(await timed(core, neighbour));
    }
    const { without, admitted, neighbour: beside } = taken;
    return { pods, without: median(without), admitted: median(admitted), neighbour: median(beside) };
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

async function untilAdmitted(core: CoreV1Api, pod: V1Pod): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await create(core, pod)).spec?.initContainers) return;
    await pause(100);
  }
  throw new Error("the policy did not come into force within ten seconds");
}

/** Returns the milliseconds that the creation of the pod takes. */
async function timed(core: CoreV1Api, pod: V1Pod, where?: string): Promise<number> {
  const started = performance.now();
  await create(core, pod, where);
  return performance.now() - started;
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
