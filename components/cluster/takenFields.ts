import type { Deployment } from "../kubernetesTypes";
import { outpostContainer, shmMountPath, shmVolume, sidecarContainer } from "../sidecar/podFragment";
import { containerPath, mountPath, ownersOf, volumePath } from "./fieldOwners";

/** A part of the pod spec that the sidecar needs and somebody else already owns. */
export interface TakenField {
  field: string;
  /** Field managers, as in `kubectl get --show-managed-fields`. */
  owners: string[];
}

const needed = [
  { field: `volume ${shmVolume}`, path: volumePath(shmVolume) },
  { field: `mount ${shmMountPath} of container ${outpostContainer}`, path: mountPath(outpostContainer, shmMountPath) },
  { field: `container ${sidecarContainer}`, path: containerPath("containers", sidecarContainer) },
  { field: `init container ${sidecarContainer}`, path: containerPath("initContainers", sidecarContainer) },
];

/**
 * What of our part others own. Asked of managedFields rather than left to the apply's conflict check, which stays silent
 * where the values are equal: both would then own /dev/shm, and taking ours away would leave the other's behind.
 */
export function takenFields(live: Deployment, fieldManager: string): TakenField[] {
  const managedFields = live.metadata?.managedFields ?? [];
  return needed
    .map(({ field, path }) => ({ field, owners: ownersOf(path, managedFields, fieldManager) }))
    .filter(({ owners }) => owners.length > 0);
}
