import type { Deployment } from "../../kubernetes/types";
import { liveShortage } from "../../podPatch/memoryLimit";
import { isAdmitted } from "../pods/solution";
import { outpostContainerIn, podSpecOf, shmSizeOf } from "../pods/containers";
import { podsOf } from "../pods/outpostPods";
import type { Cause } from "./finding";
import type { Snapshot } from "./snapshot";

/** Size of /dev/shm that the runtime gives a pod without a volume. */
const defaultShm = "64Mi";

/** Finds outposts that the memory limit of their pods ends before /dev/shm is full. */
export function tightMemory(deployment: Deployment, { outposts, limitRanges }: Snapshot): Cause | undefined {
  const container = outpostContainerIn(deployment);
  const pods = podsOf(deployment, outposts).map(({ pod }) => pod);
  const shown = isAdmitted(deployment, outposts) ? pods : [deployment];
  const shmSize = shown.map(shmSizeOf).find((size) => size !== undefined) ?? defaultShm;
  const shortage = liveShortage(shmSize, container, podSpecOf(deployment), { limitRanges, pods });
  if (!shortage) return undefined;
  const given = shortage.cappedMi ? `, of which the kubelet gives ${shortage.cappedMi}Mi` : "";
  return {
    seen: `container ${container} has a memory limit of ${shortage.limitFrom}, and /dev/shm is of ${shmSize}${given}`,
    why: "Its pages count as the outpost's memory, so the outpost is OOM-killed before /dev/shm is full.",
    todo: shortage.todo,
  };
}
