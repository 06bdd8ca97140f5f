import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Cluster } from "../../kubernetes/cluster";
import { poll } from "../../kubernetes/poll";
import { isObserved, refusedPods } from "../../kubernetes/rollout";
import { selectorOf } from "../../kubernetes/podsOfDeployment";
import type { Io } from "../io";
import { nameOf, troubleOf } from "../pods/outpostPods";

/** The stage of a Deployment on its way from one life to the next. `seen` completes "it did not come back: …". */
export type Comeback =
  { stage: "kept" | "deleting" | "gone" | "starting"; seen: string } | { stage: "ready"; deployment: V1Deployment };

/** Pause between two looks, in milliseconds. */
const pauseMs = 1_000;

/**
 * Follows the Deployment until it is ready again under another uid, time is up, or the signal is aborted. Reports each stage as it
 * comes.
 */
export async function comeback(
  cluster: Cluster,
  before: V1Deployment,
  seconds: number,
  io: Io,
  signal: AbortSignal,
): Promise<Comeback> {
  const next = async () => {
    // The API server may be away for a moment, which does not end the wait.
    const now = await look(cluster, before).catch((error: Error): Comeback => ({ stage: "gone", seen: error.message }));
    return { value: now, ...("seen" in now && { awaits: now.seen }) };
  };
  const say = (awaits: string) => io.err(`waiting: ${awaits}\n`);
  const now = () => io.now().getTime();
  return poll(next, { timeoutMs: seconds * 1000, pauseMs, say, now, pause: io.pause, signal });
}

async function look(cluster: Cluster, before: V1Deployment): Promise<Comeback> {
  const namespace = before.metadata?.namespace ?? "";
  const deployment = await cluster.deployment(namespace, nameOf(before));
  if (!deployment) return { stage: "gone", seen: "it is gone, and authentik has not created it again" };
  if (deployment.metadata?.uid === before.metadata?.uid)
    return deployment.metadata?.deletionTimestamp
      ? { stage: "deleting", seen: "the old one is going, its pods first" }
      : { stage: "kept", seen: "the old one is there, and nobody is deleting it" };
  const { spec, status } = deployment;
  const wanted = spec?.replicas ?? 1;
  const current = isObserved(deployment);
  const available = current ? (status?.availableReplicas ?? 0) : 0;
  if (current && available >= wanted) return { stage: "ready", deployment };
  const trouble = await troubleIn(cluster, deployment).catch(() => "");
  return { stage: "starting", seen: `it is back, ${available} of ${wanted} pods are available${trouble}` };
}

async function troubleIn(cluster: Cluster, deployment: V1Deployment): Promise<string> {
  const refusal = refusedPods(deployment);
  if (refusal) return `: Kubernetes refuses new pods: ${refusal}`;
  const pods = await cluster.pods(deployment.metadata?.namespace, selectorOf(deployment));
  const [first] = pods.flatMap((pod) => troubleOf(pod) ?? []);
  return first ? `: ${first}` : "";
}
