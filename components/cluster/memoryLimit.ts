import type { Deployment } from "../kubernetesTypes";
import type { OutpostSettings } from "../settings";
import { quantityBytes } from "../settings/quantity";
import { outpostContainer } from "../sidecar/podFragment";

const mebibyte = 1024 * 1024;

/**
 * Memory an outpost needs beside its sessions, in bytes. Pages of /dev/shm are charged to the container that writes them,
 * so the limit has to hold both.
 */
const workingSetBytes = 64 * mebibyte;

/** A warning where the outpost's own memory limit would end it before its /dev/shm is full; none without a limit. */
export function memoryWarning(settings: OutpostSettings, live: Deployment): string[] {
  const outpost = live.spec?.template.spec?.containers.find(({ name }) => name === outpostContainer);
  const limit = outpost?.resources?.limits?.memory;
  const limitBytes = quantityBytes(limit ?? "");
  if (limitBytes === undefined) return [];
  const neededBytes = (quantityBytes(settings.shmSize) ?? 0) + workingSetBytes;
  if (limitBytes >= neededBytes) return [];
  return [
    `Deployment ${settings.deployment}: container ${outpostContainer} has a memory limit of ${limit}, too little for a /dev/shm of ` +
      `${settings.shmSize}: its pages count as the outpost's memory, so the outpost is OOM-killed before /dev/shm is full. ` +
      `Raise the limit to at least ${Math.ceil(neededBytes / mebibyte)}Mi in authentik (kubernetes_json_patches), or lower shmSize.`,
  ];
}
