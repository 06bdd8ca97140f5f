import { ownVolumes, shmMountPath, sidecarContainer } from "../cleaner/names";
import { authentikManager, outpostContainer } from "../authentik/names";
import type { Deployment } from "../kubernetes/types";
import { containerPath, mountPath, ownersOf, volumePath } from "../kubernetes/fieldOwners";

/** A part of the pod spec that the sidecar needs and somebody else owns. */
export interface TakenField {
  field: string;
  /** Field managers, as in `kubectl get --show-managed-fields`. */
  owners: string[];
}

/** All that the sidecar needs of the pod spec, in either form of it. */
export const sidecarFields = [
  ...ownVolumes.map((name) => ({ field: `volume ${name}`, path: volumePath(name) })),
  { field: `mount ${shmMountPath} of container ${outpostContainer}`, path: mountPath(outpostContainer, shmMountPath) },
  { field: `container ${sidecarContainer}`, path: containerPath("containers", sidecarContainer) },
  { field: `init container ${sidecarContainer}`, path: containerPath("initContainers", sidecarContainer) },
];

/** Whether there is an outpost's container that keeps its sessions in /dev/shm. */
export const hasOutpost = ({ spec }: Deployment): boolean =>
  spec?.template.spec?.containers.some(({ name }) => name === outpostContainer) ?? false;

/**
 * What of our part is others'. Asked of managedFields rather than left to the apply's conflict check, which stays silent
 * where the values are equal (both would then own /dev/shm, and taking ours away would leave the other's behind), and
 * which can't tell a stranger's volume from an edit of ours: that one the next update is to mend, so it is not taken.
 */
export function takenFields(live: Deployment, fieldManager: string): TakenField[] {
  const managedFields = live.metadata?.managedFields ?? [];
  return sidecarFields
    .map(({ field, path }) => {
      const owners = ownersOf(path, managedFields);
      const ours = owners.includes(fieldManager);
      return { field, owners: owners.filter((owner) => (ours ? owner === authentikManager : true)) };
    })
    .filter(({ owners }) => owners.length > 0);
}
