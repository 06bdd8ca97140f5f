import { isDeepStrictEqual } from "node:util";
import { ownVolumes, shmMountPath, sidecarContainer } from "../cleaner/names";
import { quantityBytes } from "../kubernetes/quantity";
import type { Deployment, PodSpec, PodSpecPatch, PodTemplatePatch } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/settings";
import { merge, nothing, problem, warning, type Findings } from "./findings";
import type { Look } from "./look";
import * as messages from "./messages";

/**
 * Asks the API server for two pods of the Deployment: as its template has them, and with the sidecar. Pod Security, a quota or a
 * webhook may refuse the second, and other policies and webhooks may change either.
 * @param asking Deployment as it is to be, whose pods ask an admission policy for the sidecar
 * @param cured what the sidecar adds to its template
 * @param isRestart true if pods are to get it now
 */
export async function inspectNewPod(
  { cluster, namespace, fieldManager, mayCreatePods }: Look,
  settings: OutpostSettings,
  asking: Deployment,
  cured: PodTemplatePatch & { spec: PodSpecPatch },
  isRestart: boolean,
): Promise<Findings> {
  if (!(await mayCreatePods())) return warning(messages.unknownPod(settings));
  const whole = await cluster.dryRunApply(namespace, settings.deployment, fieldManager, cured);
  if (whole.outcome !== "applied") return problem(messages.invalid(asking, whole.reason));
  const [plain, swept] = await Promise.all([
    cluster.dryRunPod(namespace, asking.spec!.template),
    cluster.dryRunPod(namespace, whole.deployment.spec!.template),
  ]);
  return merge([
    plain.outcome === "created" ? inspectPlain(settings, plain.pod.spec!, isRestart) : nothing,
    swept.outcome === "created"
      ? inspectSwept(settings, swept.pod.spec!, cured.spec)
      : // What refuses a pod while none is to be replaced is not in the way of this update.
        isRestart
        ? problem(messages.podRefused(settings, swept.reason))
        : nothing,
  ]);
}

/** Judges a pod that nobody but an admission policy may give a part of the sidecar: ours leaves all others alone. */
function inspectPlain(settings: OutpostSettings, spec: PodSpec, isRestart: boolean): Findings {
  if (spec.initContainers?.some(({ name }) => name === sidecarContainer)) return nothing;
  const volumes = (spec.volumes ?? []).filter(({ name }) => ownVolumes.includes(name));
  const containers = spec.containers.filter((each) =>
    each.volumeMounts?.some(({ mountPath }) => mountPath === shmMountPath),
  );
  const parts = [
    ...volumes.map(({ name }) => `volume ${name}`),
    ...containers.map(({ name }) => `mount ${shmMountPath} of container ${name}`),
  ];
  if (parts.length > 0) return problem(messages.foreignParts(settings, parts));
  return isRestart ? nothing : warning(messages.barePod(settings));
}

/** Judges a pod that was created with the sidecar. */
function inspectSwept(settings: OutpostSettings, spec: PodSpec, wanted: PodSpecPatch): Findings {
  const changed = changedFields(wanted, spec);
  return changed.length > 0 ? problem(messages.podChanged(settings, changed)) : nothing;
}

/** Fields that clusters change at will: a mirror of images, an autoscaler. The sidecar works all the same. */
const free = ["image", "resources"];

/** Lists the fields of a value that another lacks or has differently. It may have more. */
function changedFields(wanted: unknown, found: unknown, path = "spec"): string[] {
  if (typeof wanted !== "object" || wanted === null || typeof found !== "object" || found === null) {
    const isSame = isDeepStrictEqual(wanted, found) || (path.endsWith(".sizeLimit") && areEqual(wanted, found));
    return isSame ? [] : [path];
  }
  if (!Array.isArray(wanted))
    return Object.entries(wanted)
      .filter(([key]) => !free.includes(key))
      .flatMap(([key, value]) => changedFields(value, (found as Record<string, unknown>)[key], `${path}.${key}`));
  return wanted.flatMap((element: unknown, index) => {
    const name = (element as { name?: string }).name;
    const elements = found as { name?: string }[];
    const other = name === undefined ? elements[index] : elements.find((each) => each.name === name);
    return changedFields(element, other, `${path}[${name ?? index}]`);
  });
}

/** The API server writes a quantity in its own way. */
const areEqual = (a: unknown, b: unknown): boolean => quantityBytes(String(a)) === quantityBytes(String(b));
