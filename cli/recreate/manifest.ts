import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { V1Container, V1Deployment, V1PodSpec } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { ownVolumes, shmMountPath, sidecarContainer, stackManagerPrefix } from "../../cleaner/names";
import { ownersOf, type FieldPath } from "../../kubernetes/fieldOwners";
import { sidecarFields } from "../../sidecar/takenFields";
import { outpostContainerIn } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";

/**
 * Returns the Deployment for `kubectl create --field-manager=goauthentik.io`, without what a stack of ours has put on it. That
 * would then be authentik's, and `pulumi up` would rightly refuse to take it.
 */
export function manifestOf(deployment: V1Deployment): V1Deployment {
  const { name, namespace, labels, annotations = {} } = deployment.metadata ?? {};
  const kept = Object.entries(annotations).filter(
    ([key]) => !/^(deployment\.kubernetes\.io\/revision$|pulumi\.com\/)/.test(key),
  );
  const { template, ...spec } = structuredClone(deployment.spec!);
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name,
      namespace,
      ...(labels && { labels }),
      ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
    },
    spec: {
      ...spec,
      template: { ...template, ...(template.spec && { spec: withoutOurs(template.spec, deployment) }) },
    },
  };
}

function withoutOurs(podSpec: V1PodSpec, deployment: V1Deployment): V1PodSpec {
  const outpost = outpostContainerIn(deployment);
  const isOurs = (path: FieldPath): boolean => {
    const owners = ownersOf(path, deployment.metadata?.managedFields ?? []);
    return owners.length > 0 && owners.every((owner) => owner.startsWith(stackManagerPrefix));
  };
  const ours = new Set(
    sidecarFields(outpost)
      .filter(({ path }) => isOurs(path))
      .map(({ field }) => field),
  );
  const mount = `mount ${shmMountPath} of container ${outpost}`;
  const unmounted = (container: V1Container): V1Container =>
    container.name === outpost && ours.has(mount)
      ? { ...container, volumeMounts: container.volumeMounts?.filter(({ mountPath }) => mountPath !== shmMountPath) }
      : container;
  return {
    ...podSpec,
    volumes: podSpec.volumes?.filter(({ name }) => !(ownVolumes.includes(name) && ours.has(`volume ${name}`))),
    initContainers: podSpec.initContainers?.filter(
      ({ name }) => !(name === sidecarContainer && ours.has(`init container ${name}`)),
    ),
    containers: podSpec.containers
      .filter(({ name }) => !(name === sidecarContainer && ours.has(`container ${name}`)))
      .map(unmounted),
  };
}

/** Writes the manifest, readable by its owner alone, and never over an existing file. @returns the file's absolute path */
export function saveManifest(deployment: V1Deployment, file: string | undefined, now: Date): string {
  const time = now.toISOString().replace(/\.\d+Z$/, "Z");
  const path = resolve(file ?? `${nameOf(deployment)}-${time.replace(/:/g, "-")}.json`);
  try {
    writeFileSync(path, `${JSON.stringify(manifestOf(deployment), null, 2)}\n`, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    throw new Error(`its manifest can't be saved, so nothing was deleted: ${(cause as Error).message}`, { cause });
  }
  return path;
}
