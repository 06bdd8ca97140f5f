import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { V1Container } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { isStack, revisionLabel, shmMountPath } from "../../cleaner/names";
import { ownersOf, templateLabelPath } from "../../kubernetes/fieldOwners";
import type { Deployment, PodSpec } from "../../kubernetes/types";
import { outpostContainerIn } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import { fieldOwners } from "../pods/solution";

/**
 * Returns the Deployment for `kubectl create --field-manager=goauthentik.io`, without what a stack of ours has put on it. That
 * would then be authentik's, and `pulumi up` would rightly refuse to take it.
 */
function manifestOf(deployment: Deployment): Deployment {
  const { name, namespace, labels, annotations = {} } = deployment.metadata ?? {};
  const kept = Object.entries(annotations).filter(
    ([key]) => !/^(deployment\.kubernetes\.io\/revision$|pulumi\.com\/)/.test(key),
  );
  const metadata = { name, namespace, labels, ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }) };
  const spec = structuredClone(deployment.spec!);
  if (spec.template.spec) spec.template.spec = withoutOurs(spec.template.spec, deployment);
  const owners = ownersOf(templateLabelPath(revisionLabel), deployment.metadata?.managedFields ?? []);
  if (areStacks(owners)) delete spec.template.metadata?.labels?.[revisionLabel];
  return { apiVersion: "apps/v1", kind: "Deployment", metadata, spec };
}

const areStacks = (owners: string[]): boolean => owners.length > 0 && owners.every(isStack);

function withoutOurs(podSpec: PodSpec, deployment: Deployment): PodSpec {
  const ofStacks = fieldOwners(deployment).filter(({ owners }) => areStacks(owners));
  const isOurs = (field: string): boolean => ofStacks.some((each) => each.field === field);
  const outpost = outpostContainerIn(deployment);
  const unmounted = (container: V1Container): V1Container =>
    container.name === outpost && isOurs(`mount ${shmMountPath} of container ${outpost}`)
      ? { ...container, volumeMounts: container.volumeMounts?.filter(({ mountPath }) => mountPath !== shmMountPath) }
      : container;
  return {
    ...podSpec,
    volumes: podSpec.volumes?.filter(({ name }) => !isOurs(`volume ${name}`)),
    initContainers: podSpec.initContainers?.filter(({ name }) => !isOurs(`init container ${name}`)),
    containers: podSpec.containers.filter(({ name }) => !isOurs(`container ${name}`)).map(unmounted),
  };
}

/** Writes the manifest, readable by its owner alone, and never over an existing file. @returns the file's absolute path */
export function saveManifest(deployment: Deployment, file: string | undefined, now: Date): string {
  const time = now.toISOString().replace(/\.\d+Z$/, "Z");
  const path = resolve(file ?? `${nameOf(deployment)}-${time.replace(/:/g, "-")}.json`);
  try {
    writeFileSync(path, `${JSON.stringify(manifestOf(deployment), null, 2)}\n`, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    throw new Error(`its manifest can't be saved, so nothing was deleted: ${(cause as Error).message}`, { cause });
  }
  return path;
}
