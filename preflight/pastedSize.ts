import type { JsonPatchOperation } from "../authentik/operations";
import { isStack, shmVolume } from "../cleaner/names";
import { ownersOf, volumePath } from "../kubernetes/fieldOwners";
import { quantityBytes } from "../kubernetes/quantity";
import type { Deployment } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/types";
import { outpostRows } from "../settings/table";
import { ownAdditions, readsOurSettings } from "../podPatch/jsonPatch/jsonPatch";
import { nothing, problem, type Findings } from "./findings";

interface Volume {
  name?: string;
  emptyDir?: { sizeLimit?: string };
}

/**
 * Stops where a pasted volume would silently become one of the default size: somebody chose its size, and nobody ours.
 * @param operations the outpost's JSON patch in authentik
 */
export function inspectPastedSize(
  settings: OutpostSettings,
  live: Deployment | undefined,
  operations: readonly JsonPatchOperation[] = [],
): Findings {
  if (settings.shmSizeGiven) return nothing;
  const ofPatch = sizeInPatch(operations);
  const size = ofPatch ?? (live && sizeOnCluster(live));
  if (size === undefined || quantityBytes(size) === quantityBytes(settings.shmSize)) return nothing;
  const place = ofPatch ? "its JSON patch in authentik" : `Deployment ${settings.deployment}`;
  const kept = outpostRows.shmSize.read(size);
  const keep = "wrong" in kept ? "" : `\`shmSize: ${kept.value}\` to keep it, or `;
  return problem(
    `outpost "${settings.name}": ${place} has a pasted volume ${shmVolume} of ${size}, and without \`shmSize\` in the settings /dev/shm becomes one of ${settings.shmSize}. ` +
      `Say which it is to be: ${keep}\`shmSize: ${settings.shmSize}\`.`,
  );
}

function sizeInPatch(operations: readonly JsonPatchOperation[]): string | undefined {
  if (operations.some(readsOurSettings)) return undefined;
  return sizeOf(ownAdditions(operations).map(({ value }) => value as Volume));
}

/** Returns the size of a volume that no stack owns, and that is not beside a sidecar of ours by delivery through authentik. */
function sizeOnCluster({ metadata, spec }: Deployment): string | undefined {
  const { volumes = [], initContainers = [] } = spec?.template.spec ?? {};
  const owners = ownersOf(volumePath(shmVolume), metadata?.managedFields ?? []);
  const isOurs = owners.some(isStack);
  return isOurs || readsOurSettings({ value: initContainers }) ? undefined : sizeOf(volumes);
}

const sizeOf = (volumes: readonly Volume[]): string | undefined =>
  volumes.find(({ name }) => name === shmVolume)?.emptyDir?.sizeLimit;
