import type { JsonPatchOperation } from "../../authentik/operations";
import { mayPass } from "../../kubernetes/connection";
import { poll } from "../../kubernetes/poll";
import { isGivenUp, isHalted, unfinishedRollout } from "../../kubernetes/rollout";
import type { Pod } from "../../kubernetes/types";
import { differences } from "../../podPatch/jsonPatch/liveSidecar";
import type { OutpostDeployment } from "./outpostDeployment";

/** Times to wait, in milliseconds. */
export interface Waits {
  /** Until authentik has applied a change of the outpost's config: its task usually runs within seconds. */
  applyMs: number;
  /** Until all pods of the Deployment are new and available, once our part is removed. */
  rolloutMs: number;
  /** Between two looks. */
  pauseMs: number;
}
export const defaultWaits: Waits = { applyMs: 180_000, rolloutMs: 600_000, pauseMs: 1_000 };

export type Say = (line: string) => void;

/**
 * Resolves once authentik has brought the Deployment to what the part says.
 * @param part as ownPart makes it
 * @throws with the first difference if time is up
 */
export function untilApplied(
  deployment: OutpostDeployment,
  part: readonly JsonPatchOperation[],
  waits: Waits,
  say: Say,
): Promise<void> {
  const hint = "; look for this outpost in the log of authentik's worker, and whether one runs";
  return until({ timeoutMs: waits.applyMs, pauseMs: waits.pauseMs, hint }, say, async () => {
    const live = await deployment.read();
    if (!live) return `authentik has not created Deployment ${deployment.name}`;
    const [first] = differences(part, live);
    return first && `authentik has not applied the outpost's patch to Deployment ${deployment.name}: ${first}`;
  });
}

/**
 * Resolves once all pods of the Deployment are new and available.
 * @throws with what is still missing, and the kubelet's reasons, if time is up, or at once if it can't succeed
 */
export function untilRolledOut(deployment: OutpostDeployment, waits: Waits, say: Say): Promise<void> {
  return until({ timeoutMs: waits.rolloutMs, pauseMs: waits.pauseMs }, say, async () => {
    const live = await deployment.read();
    if (!live) return `Deployment ${deployment.name} is gone`;
    const left = unfinishedRollout(live);
    if (!left) return undefined;
    const reasons = [
      `Deployment ${live.metadata?.namespace}/${live.metadata?.name}: ${left}`,
      ...(await deployment.pods(live)).flatMap(troubles),
    ].join("; ");
    if (isHalted(live)) throw new Error(reasons);
    if (isGivenUp(live)) throw new Error(`${reasons}; Kubernetes has given the rollout up (progressDeadlineSeconds)`);
    return reasons;
  });
}

/**
 * Waits until nothing is missing. The API server may be away for a moment, as in an upgrade of a control plane of one machine.
 * @param ask returns what is still missing; undefined once there is nothing
 */
async function until(
  { timeoutMs, pauseMs, hint = "" }: { timeoutMs: number; pauseMs: number; hint?: string },
  say: Say,
  ask: () => Promise<string | undefined>,
): Promise<void> {
  const look = async (isLast: boolean) => {
    const left = await ask().catch((error: Error) => {
      if (isLast || !mayPass(error)) throw error;
      return error.message;
    });
    return { value: left, awaits: left };
  };
  const left = await poll(look, { timeoutMs, pauseMs, say: (awaits) => say(`waiting: ${awaits}`) });
  if (left) throw new Error(`${left}, after ${timeoutMs / 1000} s${hint}`);
}

/** Lists containers that can't start, with the kubelet's reason, and pods that find no node. */
function troubles({ metadata, status }: Pod): string[] {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const waiting = containers.flatMap(({ name, state }) => {
    const { reason, message } = state?.waiting ?? {};
    if (!reason || reason === "ContainerCreating" || reason === "PodInitializing") return [];
    return [`pod ${metadata?.name}, container ${name}: ${reason}${message ? ` (${message})` : ""}`];
  });
  const unscheduled = (status?.conditions ?? [])
    .filter(({ type, status: met, reason }) => type === "PodScheduled" && met === "False" && reason === "Unschedulable")
    .map(({ message }) => `pod ${metadata?.name}: unschedulable (${message})`);
  return [...waiting, ...unscheduled];
}
