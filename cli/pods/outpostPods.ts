import type { V1ContainerStatus } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { isLabelledProxy, isProxyOutpost, outpostNameLabel } from "../../authentik/names";
import { slugify } from "../../authentik/slug";
import { isObserved, unfinishedRollout } from "../../kubernetes/rollout";
import { selectorOf, selects } from "../../kubernetes/podsOfDeployment";
import type { Deployment, Pod } from "../../kubernetes/types";
import type { Expectation } from "../../settings/verifyExpectation";
import { asksForSidecar } from "../../podPatch/revision";
import { UsageError } from "../errors";
import type { Target } from "../target";
import { carriesSidecar, outpostContainerIn } from "./containers";
import { sweptIn } from "./sweptDeployments";

/** A pod of a proxy outpost. */
export interface OutpostPod {
  name: string;
  namespace: string;
  /** The outpost's slug, by its labels; else the name of its Deployment. */
  outpost: string;
  /** Name of the Deployment that selects it; undefined if none does. */
  deployment?: string;
  /** The outpost's own container. */
  container: string;
  pod: Pod;
}

/** The namespace's proxy outposts. */
export interface Outposts {
  deployments: Deployment[];
  /** Pods that neither have ended nor are being deleted, by name. */
  pods: OutpostPod[];
}

type Place = Pick<Target, "cluster" | "namespace"> & { expectation?: Expectation };

/**
 * Finds the namespace's proxy outposts: the Deployments that the stack names, those that our CronJob sweeps, those with our
 * sidecar, and those that are authentik's by label or image. Their pods are found by each Deployment's own selector.
 * @param names pods, outposts by name or slug, or Deployments; empty for all
 * @throws UsageError if a name is none of these
 */
export async function findOutposts(place: Place, names: string[] = []): Promise<Outposts> {
  const { cluster, namespace, expectation } = place;
  const [everyDeployment, everyPod, swept] = await Promise.all([
    cluster.deployments(namespace),
    cluster.pods(namespace),
    sweptIn(cluster, namespace),
  ]);
  const named = [...(expectation?.outposts ?? []).map(({ deployment }) => deployment), ...swept];
  const deployments = everyDeployment
    .filter(
      (each) => named.includes(nameOf(each)) || carriesSidecar(each) || asksForSidecar(each) || isProxyOutpost(each),
    )
    .sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
  const pods = everyPod
    .filter(isStaying)
    .map((pod) => outpostPod(pod, place, deployments))
    .filter(({ deployment, pod }) => deployment !== undefined || isLabelledProxy(pod.metadata?.labels))
    .sort((a, b) => a.name.localeCompare(b.name));
  const all = { deployments, pods };
  return names.length === 0 ? all : selected(all, names, place);
}

/** Reads those of the stack's Deployments that exist, with their pods. It requires no right to list Deployments. */
export async function outpostsOf({ cluster, namespace }: Place, expectation: Expectation): Promise<Outposts> {
  const found = await Promise.all(
    expectation.outposts.map(({ deployment }) => cluster.deployment(namespace, deployment)),
  );
  const deployments = found.filter((deployment) => deployment !== undefined);
  const pods = await Promise.all(deployments.map((each) => cluster.pods(namespace, selectorOf(each))));
  const staying = pods.flat().filter(isStaying);
  const place = { cluster, namespace, expectation };
  return { deployments, pods: staying.map((pod) => outpostPod(pod, place, deployments)) };
}

/** Returns the pods that the Deployment selects. */
export const podsOf = (deployment: Deployment, { pods }: Pick<Outposts, "pods">): OutpostPod[] =>
  pods.filter((pod) => pod.deployment === nameOf(deployment));

/** Label by which the Deployment's controller tells the pods of one template from those of another. */
const hashLabel = "pod-template-hash";

/**
 * Returns the Deployment's pods of its present template. During a rollout these are the pods with the youngest one's hash: none
 * while the controller has made none, since an old pod only waits for its successor.
 */
export function currentPods(deployment: Deployment, pods: OutpostPod[]): OutpostPod[] {
  if (!unfinishedRollout(deployment)) return [...pods];
  if (!isObserved(deployment) || !deployment.status?.updatedReplicas) return [];
  const createdAt = ({ pod }: OutpostPod) => new Date(pod.metadata?.creationTimestamp ?? 0).getTime();
  const hashOf = ({ pod }: OutpostPod) => pod.metadata?.labels?.[hashLabel];
  const [youngest] = [...pods].sort((a, b) => createdAt(b) - createdAt(a));
  return pods.filter((pod) => hashOf(pod) === hashOf(youngest));
}

function outpostPod(pod: Pod, { namespace, expectation }: Place, deployments: Deployment[]): OutpostPod {
  const deployment = deployments.find((candidate) => selects(candidate, pod.metadata?.labels));
  const wanted = expectation?.outposts.find((each) => deployment && each.deployment === nameOf(deployment));
  return {
    name: nameOf(pod),
    namespace,
    outpost: deployment ? outpostOf(deployment) : (pod.metadata?.labels?.[outpostNameLabel] ?? ""),
    ...(deployment && { deployment: nameOf(deployment) }),
    container: outpostContainerIn(pod, wanted?.container),
    pod,
  };
}

function selected({ deployments, pods }: Outposts, names: string[], place: Place): Outposts {
  const wanted = names.map((name) => {
    const plain = name.replace(/^(pods?|po|deployments?|deploy)\//, "");
    const byStack = place.expectation?.outposts.find((outpost) => outpost.name === plain)?.deployment;
    const isIt = (...of: (string | undefined)[]) =>
      of.includes(plain) || of.includes(slugify(plain)) || (byStack !== undefined && of.includes(byStack));
    const isPod = (pod: OutpostPod) => isIt(pod.name, pod.deployment, pod.outpost);
    const isDeployment = (deployment: Deployment) => isIt(nameOf(deployment), outpostOf(deployment));
    if (!pods.some(isPod) && !deployments.some(isDeployment)) throw unknownName(name, { deployments, pods }, place);
    return { isPod, isDeployment };
  });
  const chosen = pods.filter((pod) => wanted.some(({ isPod }) => isPod(pod)));
  const belongs = (deployment: Deployment) =>
    wanted.some(({ isDeployment }) => isDeployment(deployment)) ||
    chosen.some((pod) => pod.deployment === nameOf(deployment));
  return { deployments: deployments.filter(belongs), pods: chosen };
}

function unknownName(name: string, { deployments, pods }: Outposts, { namespace }: Place): UsageError {
  const outposts = [...new Set([...deployments.map(outpostOf), ...pods.map(({ outpost }) => outpost)])].sort();
  const listed = (found: string[]) => found.join(", ") || "none";
  return new UsageError(
    `"${name}" is neither an outpost nor a pod of one in namespace ${namespace}; ` +
      `found there: outposts ${listed(outposts)}; pods ${listed(pods.map((pod) => pod.name))}`,
  );
}

/** Label that names the outpost in authentik's page on manual deployment, and in authentik's own Deployments too. */
const instanceLabel = "app.kubernetes.io/instance";

/** Returns the outpost's slug, by the Deployment's labels; else the Deployment's name. */
export function outpostOf(deployment: Deployment): string {
  const { labels = {} } = deployment.metadata ?? {};
  return labels[outpostNameLabel] ?? labels[instanceLabel] ?? nameOf(deployment);
}

export const nameOf = ({ metadata }: Deployment | Pod): string => metadata?.name ?? "";

function isStaying({ metadata, status }: Pod): boolean {
  return metadata?.deletionTimestamp === undefined && status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

/** Returns the kubelet's status of each container, native sidecars first. */
export const statusesOf = ({ status }: Pod): V1ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
];

/** Tells whether a container of the pod is running, ready or not. */
export function isRunning(pod: Pod, container: string): boolean {
  return statusesOf(pod).some(({ name, state }) => name === container && state?.running !== undefined);
}

export function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
}

/** Reasons for which the kubelet can't start a container. It goes on trying, in vain unless the image or the pod changes. */
export const cannotStart =
  /^(ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|CreateContainer(Config)?Error|RunContainerError)$/;

/** Returns why a pod is not ready, in the kubelet's or the scheduler's words, such as "Unschedulable (0/1 nodes …)". */
export function troubleOf(pod: Pod): string | undefined {
  const stuck = statusesOf(pod).flatMap(({ name, ready, state }) => {
    const { reason, message } = state?.waiting ?? state?.terminated ?? {};
    return ready || !reason || reason === "PodInitializing" || reason === "Completed"
      ? []
      : [`container ${name} ${because({ reason, message })}`];
  });
  if (stuck.length > 0) return stuck.join("; ");
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  return scheduled?.status === "False" ? because(scheduled) : undefined;
}

/** Says why no command can be run in a pod; undefined if it is running. */
export function notRunning(pod: Pod): string | undefined {
  const { phase = "Unknown" } = pod.status ?? {};
  const trouble = troubleOf(pod);
  return phase === "Running" ? undefined : `the pod is ${phase}, not Running${trouble ? `: ${trouble}` : ""}`;
}

/** Gives a reason in Kubernetes' own words, in one line. */
export const because = ({ reason = "", message }: { reason?: string; message?: string }): string =>
  `${reason}${message ? ` (${message.replace(/\s+/g, " ").trim()})` : ""}`;
