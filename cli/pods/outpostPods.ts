import type { V1ContainerStatus, V1Deployment, V1Pod } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { outpostNameLabel, proxySelector } from "../../authentik/names";
import { slugify } from "../../authentik/slug";
import type { Cluster } from "../../kubernetes/cluster";
import { selectorOf } from "../../kubernetes/selector";
import { UsageError } from "../errors";

/** A pod of a proxy outpost. */
export interface OutpostPod {
  name: string;
  namespace: string;
  /** The outpost's slug, from its label. */
  outpost: string;
  /** Name of the Deployment that selects it; undefined if none does. */
  deployment?: string;
  pod: V1Pod;
}

/** The namespace's proxy outposts. */
export interface Outposts {
  deployments: V1Deployment[];
  /** Pods that neither have ended nor are being deleted, by name. */
  pods: OutpostPod[];
}

/**
 * Finds the namespace's proxy outposts.
 * @param names pods, outposts by name or slug, or Deployments; empty for all
 * @throws UsageError if a name is none of these
 */
export async function findOutposts(cluster: Cluster, namespace: string, names: string[] = []): Promise<Outposts> {
  const [deployments, pods] = await Promise.all([
    cluster.deployments(namespace, proxySelector),
    cluster.pods(namespace, proxySelector),
  ]);
  const all = {
    deployments: deployments.sort((a, b) => nameOf(a).localeCompare(nameOf(b))),
    pods: pods
      .filter(isStaying)
      .map((pod) => outpostPod(pod, namespace, deployments))
      .sort((a, b) => a.name.localeCompare(b.name)),
  };
  return names.length === 0 ? all : selected(all, names, namespace);
}

/** Reads those Deployments of these names that exist, whoever made them, with the pods that they select. */
export async function outpostsNamed(cluster: Cluster, namespace: string, names: string[]): Promise<Outposts> {
  const found = await Promise.all(names.map((name) => cluster.deployment(namespace, name)));
  const deployments = found.filter((deployment) => deployment !== undefined);
  const pods = await Promise.all(deployments.map((each) => cluster.pods(namespace, selectorOf(each))));
  return {
    deployments,
    pods: pods.flatMap((own, index) =>
      own.filter(isStaying).map((pod) => outpostPod(pod, namespace, [deployments[index]])),
    ),
  };
}

function outpostPod(pod: V1Pod, namespace: string, deployments: V1Deployment[]): OutpostPod {
  const deployment = deployments.find((candidate) => selects(candidate, pod));
  return {
    name: nameOf(pod),
    namespace,
    outpost: pod.metadata?.labels?.[outpostNameLabel] ?? "",
    ...(deployment && { deployment: nameOf(deployment) }),
    pod,
  };
}

function selected({ deployments, pods }: Outposts, names: string[], namespace: string): Outposts {
  const wanted = names.map((name) => {
    const plain = name.replace(/^(pods?|po|deployments?|deploy)\//, "");
    const isIt = (pod: OutpostPod) =>
      [pod.name, pod.deployment, pod.outpost].includes(plain) || pod.outpost === slugify(plain);
    const isDeployment = (deployment: V1Deployment) =>
      [nameOf(deployment), outpostOf(deployment)].includes(plain) || outpostOf(deployment) === slugify(plain);
    if (!pods.some(isIt) && !deployments.some(isDeployment)) throw unknownName(name, { deployments, pods }, namespace);
    return { isIt, isDeployment };
  });
  const chosen = pods.filter((pod) => wanted.some(({ isIt }) => isIt(pod)));
  const belongs = (deployment: V1Deployment) =>
    wanted.some(({ isDeployment }) => isDeployment(deployment)) ||
    chosen.some((pod) => pod.deployment === nameOf(deployment));
  return { deployments: deployments.filter(belongs), pods: chosen };
}

function unknownName(name: string, { deployments, pods }: Outposts, namespace: string): UsageError {
  const outposts = [...new Set([...deployments.map(outpostOf), ...pods.map(({ outpost }) => outpost)])].sort();
  const found = [
    `outposts ${outposts.join(", ") || "none"}`,
    `pods ${pods.map((pod) => pod.name).join(", ") || "none"}`,
  ].join("; ");
  return new UsageError(
    `"${name}" is neither an outpost nor a pod of one in namespace ${namespace}; found there: ${found}`,
  );
}

export const outpostOf = (deployment: V1Deployment): string => deployment.metadata?.labels?.[outpostNameLabel] ?? "";
export const nameOf = ({ metadata }: V1Deployment | V1Pod): string => metadata?.name ?? "";

function selects({ spec }: V1Deployment, { metadata }: V1Pod): boolean {
  const labels = Object.entries(spec?.selector.matchLabels ?? {});
  return labels.length > 0 && labels.every(([key, value]) => metadata?.labels?.[key] === value);
}

function isStaying({ metadata, status }: V1Pod): boolean {
  return metadata?.deletionTimestamp === undefined && status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

/** Returns the kubelet's status of each container, native sidecars first. */
export const statusesOf = ({ status }: V1Pod): V1ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
];

/** Tells whether a container of the pod is running, ready or not. */
export function isRunning(pod: V1Pod, container: string): boolean {
  return statusesOf(pod).some(({ name, state }) => name === container && state?.running !== undefined);
}

export function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
}

/** Returns why a pod is not ready, in the kubelet's or the scheduler's words, such as "Unschedulable (0/1 nodes …)". */
export function troubleOf(pod: V1Pod): string | undefined {
  const stuck = statusesOf(pod).flatMap(({ name, ready, state }) => {
    const { reason, message } = state?.waiting ?? state?.terminated ?? {};
    return ready || !reason || reason === "PodInitializing" || reason === "Completed"
      ? []
      : [`container ${name} ${reason}${message ? ` (${oneLine(message)})` : ""}`];
  });
  if (stuck.length > 0) return stuck.join("; ");
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False")
    return `${scheduled.reason}${scheduled.message ? ` (${oneLine(scheduled.message)})` : ""}`;
  return undefined;
}

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim();
