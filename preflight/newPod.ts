import { ownVolumes, shmMountPath, sidecarContainer } from "../cleaner/names";
import type { DryRun } from "../kubernetes/cluster";
import type { Deployment, PodSpec, PodTemplatePatch } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/types";
import { lackingFields } from "../podPatch/lackingFields";
import type { PodFragment } from "../podPatch/podFragment";
import { invalid, merge, nothing, problem, restarts, warning, type Findings } from "./findings";
import type { Look } from "./look";
import { inspectPods } from "./pods";

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
  cured: PodTemplatePatch & { spec: PodFragment },
  isRestart: boolean,
): Promise<Findings> {
  const { name, deployment } = settings;
  if (!(await mayCreatePods()))
    return warning(
      `outpost "${name}": whether the API server takes a pod with the sidecar is not known, ` +
        `since your account may not create pods, not even in a dry run.`,
    );
  const whole = await cluster.dryRunApply(namespace, deployment, fieldManager, cured);
  if (whole.outcome !== "applied") return invalid(asking, whole.reason);
  const [plain, swept] = await Promise.all([
    cluster.dryRunPod(namespace, asking.spec!.template),
    cluster.dryRunPod(namespace, whole.deployment.spec!.template),
  ]);
  const ofPlain = plain.outcome === "created" ? inspectPlain(settings, plain.pod.spec!, isRestart) : nothing;
  if (swept.outcome === "created") return merge([ofPlain, inspectSwept(settings, swept.pod.spec!, cured.spec)]);
  // A refusal of pods is not in the way of an update that replaces none.
  if (!isRestart) return ofPlain;
  const refused = problem(
    `outpost "${name}": the API server would not take a pod with the sidecar: ${swept.reason}. ` +
      `Change what refuses it, or the setting that it refuses.`,
  );
  return merge([ofPlain, refused]);
}

/** Judges a change that brings the sidecar onto the Deployment itself, by its dry run. */
export async function inspectChange(
  look: Look,
  settings: OutpostSettings,
  live: Deployment,
  dryRun: DryRun,
): Promise<Findings> {
  const change = restarts(live, dryRun);
  const isRestart = dryRun.outcome === "applied" && change.restarts !== undefined;
  const refusal = isRestart ? await inspectReplacement(look, settings, dryRun.deployment) : nothing;
  return merge([change, refusal, inspectPods(look, settings, live)]);
}

/**
 * Asks the API server for a pod of the changed Deployment. A controller may be allowed what a bare pod is not, and a quota has room
 * again once the old pods are gone: so a refusal does not stop the update.
 */
async function inspectReplacement(
  { cluster, namespace, mayCreatePods }: Look,
  { name }: OutpostSettings,
  changed: Deployment,
): Promise<Findings> {
  const { paused, replicas, strategy, template } = changed.spec!;
  if (paused || replicas === 0 || !(await mayCreatePods())) return nothing;
  const pod = await cluster.dryRunPod(namespace, template);
  if (pod.outcome === "created") return nothing;
  const end =
    strategy?.type === "Recreate" ? "the update ends the old pods and gets no new ones" : "the rollout does not end";
  return warning(
    `outpost "${name}": the API server would not take a pod with the sidecar now: ${pod.reason}. If it refuses the Deployment's own too, ` +
      `${end}. Change what refuses it, or the setting that it refuses.`,
  );
}

/** Judges a pod that nobody but an admission policy may give a part of the sidecar: ours leaves all others alone. */
function inspectPlain({ name, deployment }: OutpostSettings, spec: PodSpec, isRestart: boolean): Findings {
  if (spec.initContainers?.some(({ name }) => name === sidecarContainer)) return nothing;
  const volumes = (spec.volumes ?? []).filter(({ name }) => ownVolumes.includes(name));
  const containers = spec.containers.filter((each) =>
    each.volumeMounts?.some(({ mountPath }) => mountPath === shmMountPath),
  );
  const parts = [
    ...volumes.map(({ name }) => `volume ${name}`),
    ...containers.map(({ name }) => `mount ${shmMountPath} of container ${name}`),
  ];
  const ofPod = `outpost "${name}": a new pod of Deployment ${deployment}`;
  if (parts.length > 0)
    return problem(
      `${ofPod} has ${parts.join(" and ")} already, so it would get no sidecar. ` +
        `Take that out of what brings it: the Deployment, another admission policy or a webhook.`,
    );
  if (isRestart) return nothing;
  return warning(
    `${ofPod} would have no sidecar now, so its admission policy is missing, has been edited, or fails. ` +
      `This update puts the policy back. Pods that have no sidecar get it once they are replaced: outpost-shm status shows them.`,
  );
}

/** Judges a pod that was created with the sidecar. */
function inspectSwept({ name, deployment }: OutpostSettings, spec: PodSpec, wanted: PodFragment): Findings {
  const changed = lackingFields(wanted, spec, "spec").filter((path) => !isFree(path));
  if (changed.length === 0) return nothing;
  return problem(
    `outpost "${name}": another admission policy or a webhook changes what the sidecar needs in a new pod of Deployment ${deployment}: ` +
      `${changed.join(", ")}. Have it leave these as they are.`,
  );
}

/** Fields that clusters change at will: a mirror of images, an autoscaler. The sidecar works all the same. */
const isFree = (path: string): boolean => /\.(image|resources)\b/.test(path);
