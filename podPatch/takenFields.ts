import { authentikManager } from "../authentik/names";
import { ownVolumes, revisionLabel, shmMountPath, sidecarContainer } from "../cleaner/names";
import { containerPath, mountPath, ownersOf, templateLabelPath, volumePath } from "../kubernetes/fieldOwners";
import type { Deployment } from "../kubernetes/types";

/** A part of the pod spec that the sidecar needs and somebody else owns. */
export interface TakenField {
  field: string;
  /** Field managers, as in `kubectl get --show-managed-fields`. */
  owners: string[];
}

/** All fields of the pod spec that the sidecar needs, in either of its forms. */
export const sidecarFields = (container: string) => [
  ...ownVolumes.map((name) => ({ field: `volume ${name}`, path: volumePath(name) })),
  { field: `mount ${shmMountPath} of container ${container}`, path: mountPath(container, shmMountPath) },
  { field: `container ${sidecarContainer}`, path: containerPath("containers", sidecarContainer) },
  { field: `init container ${sidecarContainer}`, path: containerPath("initContainers", sidecarContainer) },
];

/** The field by which pods ask for the sidecar where an admission policy gives it to them. */
const askingField = { field: `label ${revisionLabel} of its pods`, path: templateLabelPath(revisionLabel) };

export const hasContainer = ({ spec }: Deployment, container: string): boolean =>
  spec?.template.spec?.containers.some(({ name }) => name === container) ?? false;

/**
 * Returns the fields of our part that others own. It reads managedFields instead of leaving this to the apply's conflict check.
 * That check stays silent if the values are equal: both would then own /dev/shm, and removing ours would leave the other's
 * behind. It also can't distinguish a foreign volume from an edit of ours. The next update mends the edit, so it is not a taken
 * field.
 */
export function takenFields(live: Deployment, fieldManager: string, container: string): TakenField[] {
  const managedFields = live.metadata?.managedFields ?? [];
  return [...sidecarFields(container), askingField]
    .map(({ field, path }) => {
      const owners = ownersOf(path, managedFields);
      const ours = owners.includes(fieldManager);
      return { field, owners: owners.filter((owner) => (ours ? owner === authentikManager : true)) };
    })
    .filter(({ owners }) => owners.length > 0);
}
