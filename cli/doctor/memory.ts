import { shmVolume } from "../../cleaner/names";
import { liveShortage } from "../../sidecar/memoryLimit";
import { isAdmitted } from "../pods/solution";
import { outpostContainerIn, podSpecOf } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import type { Finding } from "./finding";
import type { Snapshot } from "./snapshot";

/** Size of /dev/shm that the runtime gives a pod without a volume. */
const defaultShm = "64Mi";

/** Finds outposts that the memory limit of their pods ends before /dev/shm is full. */
export function memoryFindings({ outposts, limitRanges }: Snapshot): Finding[] {
  return outposts.deployments.flatMap((deployment) => {
    const container = outpostContainerIn(deployment);
    const own = outposts.pods.filter((pod) => pod.deployment === nameOf(deployment)).map(({ pod }) => pod);
    const shown = isAdmitted(deployment, outposts) ? own : [deployment];
    const volumes = shown.flatMap((object) => podSpecOf(object).volumes ?? []);
    const shmSize = volumes.find(({ name }) => name === shmVolume)?.emptyDir?.sizeLimit ?? defaultShm;
    const from = { limitRanges, pods: own };
    const shortage = liveShortage(shmSize, container, podSpecOf(deployment), from);
    if (!shortage) return [];
    return [
      {
        check: "memory",
        subject: `Deployment/${nameOf(deployment)}`,
        seen: `container ${container} has a memory limit of ${shortage.limitFrom}, and /dev/shm is of ${shmSize}${shortage.cappedMi ? `, of which the kubelet gives ${shortage.cappedMi}Mi` : ""}`,
        why: "Its pages count as the outpost's memory, so the outpost is OOM-killed before /dev/shm is full.",
        todo: shortage.todo,
      },
    ];
  });
}
