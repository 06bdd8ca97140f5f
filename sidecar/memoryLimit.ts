import { sidecarContainer, sidecarMemoryLimit } from "../cleaner/names";
import { quantityBytes } from "../kubernetes/quantity";
import type { Deployment, PodSpec } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/settings";
import { effectiveSpec, type LimitSources } from "./effectiveLimits";

const mebibyte = 1024 * 1024;

/**
 * Memory that an outpost needs beside its sessions, in bytes. Pages of /dev/shm are charged to the container that writes them,
 * so the limit has to hold both.
 */
const workingSetBytes = 64 * mebibyte;

type Containers = PodSpec["containers"];

/** A memory limit that holds less than a full /dev/shm, in MiB unless stated otherwise. */
export interface MemoryShortage {
  /** The limit, as the container has it. */
  limit: string;
  neededMi: number;
  /** Size that the kubelet gives the volume, if every container has a limit and their sum is less. */
  cappedMi?: number;
}

/**
 * Returns the shortage. Undefined without a limit, or if the outpost's own memory limit is enough for a /dev/shm of that size.
 */
export function memoryShortage(
  shmSize: string,
  container: string,
  { containers = [], initContainers = [] }: Partial<PodSpec>,
): MemoryShortage | undefined {
  const limit = containers.find(({ name }) => name === container)?.resources?.limits?.memory;
  const limitBytes = quantityBytes(limit ?? "");
  if (limit === undefined || limitBytes === undefined) return undefined;
  const shmBytes = quantityBytes(shmSize) ?? 0;
  const neededBytes = shmBytes + workingSetBytes;
  if (limitBytes >= neededBytes) return undefined;
  const podBytes = podLimitBytes(containers, initContainers);
  const isCapped = podBytes !== undefined && podBytes < shmBytes;
  return {
    limit,
    neededMi: Math.ceil(neededBytes / mebibyte),
    ...(isCapped && { cappedMi: Math.floor(podBytes / mebibyte) }),
  };
}

/** The shortage with the limit that pods really get, and the source of that limit. */
export interface LiveShortage extends MemoryShortage {
  /** The limit and where it comes from, unless that is the Deployment. */
  limitFrom: string;
  todo: string;
}

/** Judges the memory limit that the pods of a template really get. Undefined if it is enough. */
export function liveShortage(
  shmSize: string,
  container: string,
  template: Partial<PodSpec>,
  from: LimitSources,
): LiveShortage | undefined {
  const { spec, sources } = effectiveSpec(template, from);
  const shortage = memoryShortage(shmSize, container, spec);
  if (!shortage) return undefined;
  const { limit, neededMi } = shortage;
  const source = sources[container];
  const raise = source
    ? `Give the container a limit of its own of at least ${neededMi}Mi`
    : `Raise the limit to at least ${neededMi}Mi`;
  return {
    ...shortage,
    limitFrom: source ? `${limit} (${source})` : limit,
    todo: `${raise} where the Deployment comes from (authentik: kubernetes_json_patches), or lower \`shmSize\`.`,
  };
}

/** Warns if the outpost's own memory limit would end it before its /dev/shm is full. Empty without a limit. */
export function memoryWarning(settings: OutpostSettings, live: Deployment, from: LimitSources): string[] {
  const { container, shmSize } = settings;
  const shortage = liveShortage(shmSize, container, live.spec?.template.spec ?? {}, from);
  if (!shortage) return [];
  const { limitFrom, cappedMi, todo } = shortage;
  const capped =
    cappedMi !== undefined
      ? `With it /dev/shm has only ${cappedMi}Mi: every container of the pod has a memory limit, and the kubelet makes ` +
        `the volume no bigger than their sum. `
      : "";
  return [
    `Deployment ${settings.deployment}: container ${container} has a memory limit of ${limitFrom}, too little for a /dev/shm of ` +
      `${shmSize}: its pages count as the outpost's memory, so the outpost is OOM-killed before /dev/shm is full. ${capped}${todo}`,
  ];
}

/**
 * Returns the memory limit of the pod with the sidecar in it, in bytes, as the kubelet computes it. Undefined unless every
 * container has a limit. Containers that run as long as the pod add up. An init container that ends counts together with the
 * sidecars that were started before it.
 */
function podLimitBytes(containers: Containers, initContainers: Containers): number | undefined {
  let sidecars = 0;
  let highest = 0;
  for (const container of without(sidecarContainer, initContainers)) {
    const bytes = limitOf(container);
    if (!bytes) return undefined;
    if (container.restartPolicy === "Always") sidecars += bytes;
    else highest = Math.max(highest, sidecars + bytes);
  }
  const limits = without(sidecarContainer, containers).map(limitOf);
  if (limits.some((bytes) => !bytes)) return undefined;
  const ours = quantityBytes(sidecarMemoryLimit) ?? 0;
  return Math.max(
    highest,
    limits.reduce<number>((sum, bytes) => sum + (bytes ?? 0), sidecars + ours),
  );
}

const without = (name: string, containers: Containers) => containers.filter((container) => container.name !== name);

const limitOf = ({ resources }: Containers[number]): number | undefined =>
  quantityBytes(resources?.limits?.memory ?? "");
