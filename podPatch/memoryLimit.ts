import { sidecarContainer, sidecarMemoryLimit } from "../cleaner/names";
import { quantityBytes } from "../kubernetes/quantity";
import type { Deployment, PodSpec } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/types";
import { effectiveSpec, type LimitSources } from "./effectiveLimits";

const mebibyte = 1024 * 1024;

/**
 * Memory that an outpost needs beside its sessions, in bytes. Pages of /dev/shm are charged to the container that writes them,
 * so the limit has to hold both.
 */
const workingSetBytes = 64 * mebibyte;
const sidecarBytes = quantityBytes(sidecarMemoryLimit) ?? 0;

type Containers = PodSpec["containers"];

/** A memory limit that holds less than a full /dev/shm. */
export interface LiveShortage {
  /** The limit and where it comes from, unless that is the Deployment. */
  limitFrom: string;
  /** Size that the kubelet gives the volume, in MiB, if that of the pod is less: its own, or the sum of its containers'. */
  cappedMi?: number;
  todo: string;
}

/**
 * Judges the memory limit that the pods of a template really get. Undefined without one, or if it is enough for a /dev/shm of
 * that size.
 */
export function liveShortage(
  shmSize: string,
  container: string,
  template: Partial<PodSpec>,
  from: LimitSources,
): LiveShortage | undefined {
  const { spec, sources } = effectiveSpec(template, from);
  const { containers = [], initContainers = [] } = spec;
  const ofPod = spec.resources?.limits?.memory ?? "";
  const own = containers.find(({ name }) => name === container)?.resources?.limits?.memory ?? "";
  const isOfPod = (quantityBytes(ofPod) ?? Infinity) < (quantityBytes(own) ?? Infinity);
  const limit = isOfPod ? ofPod : own;
  const limitBytes = quantityBytes(limit);
  const shmBytes = quantityBytes(shmSize) ?? 0;
  const neededBytes = shmBytes + workingSetBytes + (isOfPod ? sidecarBytes : 0);
  if (limitBytes === undefined || limitBytes >= neededBytes) return undefined;
  const podBytes = quantityBytes(ofPod) ?? podLimitBytes(containers, initContainers);
  const isCapped = podBytes !== undefined && podBytes < shmBytes;
  const source = isOfPod ? "the whole pod's" : sources[container];
  const raise = source && !isOfPod ? "Give the container a limit of its own of" : "Raise the limit to";
  return {
    limitFrom: source ? `${limit} (${source})` : limit,
    ...(isCapped && { cappedMi: Math.floor(podBytes / mebibyte) }),
    todo:
      `${raise} at least ${Math.ceil(neededBytes / mebibyte)}Mi where the Deployment comes from ` +
      `(authentik: kubernetes_json_patches), or lower \`shmSize\`.`,
  };
}

/** Warns if the outpost's own memory limit would end it before its /dev/shm is full. */
export function memoryWarning(settings: OutpostSettings, live: Deployment, from: LimitSources): string | undefined {
  const { container, shmSize } = settings;
  const shortage = liveShortage(shmSize, container, live.spec?.template.spec ?? {}, from);
  if (!shortage) return undefined;
  const { limitFrom, cappedMi, todo } = shortage;
  const capped =
    cappedMi !== undefined
      ? `With it /dev/shm has only ${cappedMi}Mi: the kubelet makes the volume no bigger than the memory limit of the whole pod. `
      : "";
  return (
    `Deployment ${settings.deployment}: container ${container} has a memory limit of ${limitFrom}, too little for a /dev/shm of ` +
    `${shmSize}: its pages count as the outpost's memory, so the outpost is OOM-killed before /dev/shm is full. ${capped}${todo}`
  );
}

/**
 * Returns the memory limit of the pod with the sidecar in it, in bytes, as the kubelet computes it. Undefined unless every
 * container has a limit. Containers that run as long as the pod add up. An init container that ends counts together with the
 * sidecars that were started before it.
 */
function podLimitBytes(containers: Containers, initContainers: Containers): number | undefined {
  let lasting = 0;
  let highest = 0;
  const others = [...initContainers, ...containers].filter(({ name }) => name !== sidecarContainer);
  for (const container of others) {
    const bytes = quantityBytes(container.resources?.limits?.memory ?? "");
    if (!bytes) return undefined;
    if (containers.includes(container) || container.restartPolicy === "Always") lasting += bytes;
    else highest = Math.max(highest, lasting + bytes);
  }
  return Math.max(highest, lasting + sidecarBytes);
}
