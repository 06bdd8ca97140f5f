import { sidecarContainer } from "../cleaner/names";
import type { Deployment, Pod, PodSpec } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/types";
import { clusterUser } from "../settings/values/user";

/** Reason why the sidecar has to run as the outpost's user. */
export const ownerOnly =
  "/dev/shm is mode 1777: only the uid that wrote a session can remove it, so nothing would be removed.";

/** A user id, and the object that says it. */
interface Known {
  uid: number;
  by: "container" | "pod" | "live";
  source: string;
}

/** Returns the user id that a pod spec gives a container: its own, else the pod's. Undefined leaves it to the image. */
export function uidIn({ containers = [], initContainers = [], securityContext }: Partial<PodSpec>, container: string) {
  const found = [...containers, ...initContainers].find(({ name }) => name === container);
  return found?.securityContext?.runAsUser ?? securityContext?.runAsUser;
}

/** Describes the two users of a pod's outpost and sidecar, if both are known and differ. */
export function otherUser(spec: Partial<PodSpec>, container: string): string | undefined {
  const [outpost, sidecar] = [uidIn(spec, container), uidIn(spec, sidecarContainer)];
  if (outpost === undefined || sidecar === undefined || outpost === sidecar) return undefined;
  return `container ${container} runs as uid ${outpost}, and ${sidecarContainer} as uid ${sidecar}`;
}

/**
 * Returns why the sidecar would not have the outpost's user; undefined if it would, or if only the image says which that is.
 * @param pods of the Deployment; an OpenShift SCC writes the uid that it assigns into them
 */
export function userProblem(settings: OutpostSettings, live: Deployment, pods: readonly Pod[]): string | undefined {
  const { name, deployment, container, runAsUser } = settings;
  const known = outpostUser(container, live, pods);
  if (!known) return undefined;
  const { uid, by, source } = known;
  const seen = `outpost "${name}": Deployment ${deployment} runs container ${container} as uid ${uid} (${source})`;
  if (runAsUser === clusterUser) {
    if (by !== "container") return uid === 0 ? `${seen}. ${remedy(known)}` : undefined;
    const lost = `and \`runAsUser: ${clusterUser}\` leaves the sidecar's uid to the cluster, which does not give it that one`;
    return `${seen}, ${lost}. ${ownerOnly} ${remedy(known)}`;
  }
  if (uid === Number(runAsUser)) return undefined;
  return `${seen}, and the sidecar would run as uid ${runAsUser}. ${ownerOnly} ${remedy(known)}`;
}

/** Warns if `cluster` leaves the sidecar without any user but its image's, which is root in busybox's. */
export function userWarning(settings: OutpostSettings, live: Deployment, pods: readonly Pod[]): string | undefined {
  const { name, container, runAsUser } = settings;
  if (runAsUser !== clusterUser || pods.length === 0 || outpostUser(container, live, pods)) return undefined;
  return (
    `outpost "${name}": \`runAsUser: ${clusterUser}\` leaves the sidecar's uid to the cluster, and this one assigns none (pod ${pods[0].metadata?.name}). ` +
    `The sidecar then runs as its image says, and does not start as root. Set \`runAsUser\` to the outpost's uid, 1000 in authentik's image.`
  );
}

/** Warns if the cluster may assign uids, as OpenShift does. It then refuses the CronJob's pods, which ask for one of their own. */
export function cronJobUserWarning(
  { name, container }: OutpostSettings,
  live: Deployment,
  pods: readonly Pod[],
): string | undefined {
  const known = outpostUser(container, live, pods);
  if (known?.by !== "live") return undefined;
  return (
    `outpost "${name}": its pods are given a uid, ${known.uid} (${known.source}). If the cluster does that, as OpenShift does, it refuses the ` +
    `CronJob's pods, which ask for another one, and nothing sweeps: set \`runAsUser\` to \`${clusterUser}\` then.`
  );
}

function remedy({ uid, by }: Known): string {
  if (uid === 0) {
    return (
      "The sidecar never runs as root: have the outpost run as a user of its own (1000 in authentik's image), " +
      "or set the outpost's `solution` to cronjob."
    );
  }
  return `Set \`runAsUser\` to ${uid}${by === "container" ? "" : `, or to \`${clusterUser}\`, which leaves it to the cluster`}.`;
}

/** Returns the user of the outpost's container, by the Deployment's template, else by its youngest pod that says it. */
function outpostUser(container: string, { spec }: Deployment, pods: readonly Pod[]): Known | undefined {
  const template = spec?.template.spec ?? ({} as Partial<PodSpec>);
  const uid = uidIn(template, container);
  const ofPod = template.securityContext?.runAsUser;
  if (uid !== undefined) {
    const by = uid === ofPod ? "pod" : "container";
    return { uid, by, source: `securityContext of the ${by} in its template` };
  }
  const youngest = [...pods].sort((a, b) => createdAt(b) - createdAt(a));
  const [found] = youngest.flatMap(({ metadata, spec }): Known[] => {
    const assigned = uidIn(spec ?? {}, container);
    return assigned === undefined ? [] : [{ uid: assigned, by: "live", source: `by pod ${metadata?.name}` }];
  });
  return found;
}

const createdAt = ({ metadata }: Pod): number => new Date(metadata?.creationTimestamp ?? 0).getTime();
