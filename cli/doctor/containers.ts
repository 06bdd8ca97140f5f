import type { V1ContainerStatus } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { sidecarContainer } from "../../cleaner/names";
import { liveShortage } from "../../podPatch/memoryLimit";
import { describePod } from "../advice";
import { podSpecOf, shmSizeOf } from "../pods/containers";
import { because, cannotStart, isReady, statusesOf, troubleOf, type OutpostPod } from "../pods/outpostPods";
import { formatAge, secondsSince } from "../units";
import type { Cause } from "./finding";
import type { Snapshot } from "./snapshot";

/** Time within which a pod is merely starting, and a container that has ended again is in a loop, in seconds. */
const young = 5 * 60;
/** Restarts from which a container that runs again just now counts as crashing. */
const loop = 3;

type Fault = Omit<Cause, "why">;

/**
 * Finds outposts whose containers are killed, crash, can't start, or are not ready for long, whoever put them there. The check
 * "sidecar" knows more of ours.
 */
export function brokenContainers(pod: OutpostPod, snapshot: Snapshot): Cause[] {
  const ended = statusesOf(pod.pod)
    .filter(({ name }) => name !== sidecarContainer)
    .flatMap((status) => faultOf(status, pod, snapshot) ?? []);
  const faults = ended.length > 0 ? ended : [longUnready(pod, snapshot) ?? []].flat();
  const why = isReady(pod.pod)
    ? "Each time it ends, the requests under way fail; its sessions in /dev/shm stay."
    : "A pod that is not ready is sent no visitors: its share of the outpost's applications is out of reach.";
  return faults.map((fault) => ({ why, ...fault }));
}

function faultOf(status: V1ContainerStatus, pod: OutpostPod, snapshot: Snapshot): Fault | undefined {
  const { name, state, lastState, restartCount } = status;
  const { kubectl, now } = snapshot;
  const { reason = "" } = state?.waiting ?? {};
  const waiting = because(state?.waiting ?? {});
  if (cannotStart.test(reason)) {
    return { seen: `container ${name} ${waiting}`, todo: `See the events: ${kubectl} describe pod ${pod.name}` };
  }
  const ended = state?.terminated ?? lastState?.terminated;
  if (!ended || (state?.terminated && ended.exitCode === 0)) return undefined;
  const wasKilled = ended.reason === "OOMKilled";
  const endedAgo = ended.finishedAt ? secondsSince(ended.finishedAt, now) : 0;
  const crashes = state?.terminated !== undefined || reason === "CrashLoopBackOff";
  if (!crashes && !wasKilled && (restartCount < loop || endedAgo > young)) return undefined;
  const how = `${wasKilled ? "was OOM-killed" : `ended: ${ended.reason ?? "Error"}`}, exit code ${ended.exitCode}`;
  const ago = ended.finishedAt ? `, ${formatAge(endedAgo)} ago` : "";
  const seen = `container ${name} ${how}${ago}; restarts: ${restartCount}${reason ? `; ${waiting}` : ""}`;
  const log = `See what it said: ${kubectl} logs ${pod.name} -c ${name}${state?.terminated ? "" : " --previous"}`;
  return { seen, todo: wasKilled ? `${moreMemory(name, pod, snapshot)} ${log}` : log };
}

/** Advises on an OOM kill, by the pod's own limit and the size of its /dev/shm, whose pages count as the outpost's memory. */
function moreMemory(container: string, { pod, container: outpost }: OutpostPod, { limitRanges }: Snapshot): string {
  const spec = podSpecOf(pod);
  const limit = spec.containers?.find(({ name }) => name === container)?.resources?.limits?.memory;
  if (limit === undefined) return "It has no memory limit: its node ran out of memory.";
  const shmSize = shmSizeOf(pod);
  const shortage =
    shmSize && container === outpost && liveShortage(shmSize, container, spec, { limitRanges, pods: [] });
  if (!shortage) return `Its memory limit is ${limit}: raise it.`;
  return `Its memory limit is ${limit}, and the pages of a /dev/shm of ${shmSize} count as its memory. ${shortage.todo}`;
}

/** Describes a pod that is not ready although it is no longer young. */
function longUnready({ pod, name }: OutpostPod, { now, kubectl }: Snapshot): Fault | undefined {
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
  const since = ready?.lastTransitionTime ?? pod.metadata?.creationTimestamp;
  if (isReady(pod) || !since) return undefined;
  const age = secondsSince(since, now);
  if (age <= young) return undefined;
  const unready = statusesOf(pod).filter((status) => !status.ready && status.state?.running);
  // The check "sidecar" reports a pod that waits for nothing but ours.
  const others = unready.filter((status) => status.name !== sidecarContainer).map((status) => status.name);
  const trouble = troubleOf(pod) ?? (others.length > 0 ? `container ${others.join(", ")} runs and is not ready` : "");
  if (trouble === "" || trouble.startsWith(`container ${sidecarContainer} `)) return undefined;
  return {
    seen: `it is not ready for ${formatAge(age)}: ${trouble}`,
    todo: describePod(kubectl, name),
  };
}
