import type { V1ContainerStatus } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { sessionsElsewhere } from "../../authentik/sessionPlace";
import { closeForwardAuth, openForwardAuth, releasesOf } from "../../authentik/releases";
import { idleFilesPerSecond } from "../../cleaner/scriptNumbers";
import { shmMountPath, sidecarContainer } from "../../cleaner/names";
import type { Cluster } from "../../kubernetes/cluster";
import { quantityBytes } from "../../kubernetes/quantity";
import { isGivenUp, isHalted, refusedPods, unfinishedRollout } from "../../kubernetes/rollout";
import type { Deployment } from "../../kubernetes/types";
import type { ExpectedOutpost } from "../../settings/verifyExpectation";
import { formatDuration } from "../../settings/values/duration";
import { otherUser, ownerOnly } from "../../podPatch/user";
import { describePod, eitherWay, replaceBare, resumeRollout, seeRefusal } from "../advice";
import { carriesSidecar, containersNamed, podSpecOf, shmSizeOf } from "../pods/containers";
import { sessionPlaceIn, type Inside } from "../pods/inside";
import { lastSweepLine, wordsOf } from "../pods/sidecarLog";
import { because, cannotStart, currentPods, nameOf, statusesOf, type OutpostPod } from "../pods/outpostPods";
import type { PodFacts } from "../pods/podFacts";
import { mapParallel } from "../progress";
import { formatAge, formatBytes, secondsSince } from "../units";
import { checkOf, overPods, type Check, type Round, type Seen } from "./check";

/** A pod with what a command in it reports. */
export interface LookedInto extends OutpostPod {
  inside: Inside;
}

/** A pod with the facts about it, and what a command in it reports. */
interface KnownPod extends LookedInto {
  facts: PodFacts;
}

/**
 * Checks that the rollout is over and both containers run in every pod. While it is not, only pods of the present template are
 * judged: an old one is not to blame.
 */
export function containersCheck(
  { kubectl }: Round,
  expected: ExpectedOutpost,
  deployment: Deployment,
  pods: OutpostPod[],
): Check {
  const unfinished = unfinishedRollout(deployment);
  if (unfinished && refusedPods(deployment)) {
    const todo = seeRefusal(kubectl, nameOf(deployment));
    return checkOf(expected.name, "containers", { wrong: unfinished, todo, stuck: true });
  }
  // Pods that can't start come first: others may only wait for them.
  const isStuck = (pod: OutpostPod) => cannotRun(pod) || (expected.admission === true && !carriesSidecar(pod.pod));
  const inOrder = currentPods(deployment, pods).sort((a, b) => Number(isStuck(b)) - Number(isStuck(a)));
  const judged = overPods(expected.name, "containers", inOrder, (pod) => containersOf(expected, pod, kubectl));
  if (!judged.passed) return { ...judged, ...(inOrder.some(isStuck) && { stuck: true }) };
  if (!unfinished) return judged;
  if (isHalted(deployment)) {
    const todo = resumeRollout(kubectl, nameOf(deployment));
    return checkOf(expected.name, "containers", { wrong: unfinished, todo, stuck: true });
  }
  const end = isGivenUp(deployment) ? "; Kubernetes has given the rollout up (progressDeadlineSeconds)" : "";
  const todo = `Wait for it, or see why it stays so: ${kubectl} describe deployment ${nameOf(deployment)}`;
  return checkOf(expected.name, "containers", { wrong: `${unfinished}${end}`, todo });
}

const cannotRun = ({ pod, container }: OutpostPod): boolean =>
  otherUser(podSpecOf(pod), container) !== undefined ||
  statusesOf(pod).some(({ state }) => cannotStart.test(state?.waiting?.reason ?? ""));

function containersOf(expected: ExpectedOutpost, { pod, name, container: outpost }: OutpostPod, kubectl: string): Seen {
  const todo = describePod(kubectl, name);
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") return { wrong: `it finds no node: ${because(scheduled)}`, todo };
  if (expected.admission && !carriesSidecar(pod))
    return { wrong: `container ${sidecarContainer} is not there`, todo: replaceBare(kubectl, [name]) };
  const statuses = statusesOf(pod);
  const stopped = [outpost, sidecarContainer]
    .map((container) => ({ container, status: statuses.find((each) => each.name === container) }))
    .filter(({ status }) => !status?.state?.running);
  const wrongUser = otherUser(podSpecOf(pod), outpost);
  if (stopped.length === 0 && wrongUser)
    return { wrong: wrongUser, todo: `${ownerOnly} Correct \`runAsUser\`, and deploy again ${eitherWay()}.` };
  if (stopped.length === 0) return { right: `${outpost} and ${sidecarContainer} are running` };
  // A container that waits for another is not to blame.
  const guilty = stopped.filter(({ status }) => status?.state?.waiting?.reason !== "PodInitializing");
  const wrong = (guilty.length > 0 ? guilty : stopped).map(
    ({ container, status }) => `container ${container} ${notRunning(status)}`,
  );
  return { wrong: wrong.join("; "), todo };
}

function notRunning(status: V1ContainerStatus | undefined): string {
  if (!status) return "is not there";
  const { reason = "unknown", message } = status.state?.waiting ?? status.state?.terminated ?? {};
  return `is not running: ${because({ reason, message })}`;
}

/** Checks that /dev/shm in every pod has the expected size, as the outpost's own container sees it. */
export function sizeCheck(round: Round, expected: ExpectedOutpost, deployment: Deployment, pods: KnownPod[]): Check {
  return overPods(expected.name, "size", pods, (known) => {
    const wanted = shmSizeOf(expected.admission ? known.pod : deployment);
    return sizeIn(round, known, expected.shmSize ?? wanted ?? "");
  });
}

function sizeIn({ kubectl }: Round, known: KnownPod, size: string): Seen {
  const { facts, inside } = known;
  if (facts.phase !== "Running") return notRunningYet(known, kubectl);
  const bytes = inside.shmBytes ?? facts.sizeBytes;
  const source = inside.shmBytes === undefined ? (facts.source ?? inside.error) : "df";
  if (bytes === undefined) {
    return { wrong: `its size is not known: ${source}`, todo: "Have somebody verify who may exec in the pods." };
  }
  if (isOfSize(bytes, size)) return { right: `${shmMountPath} has ${size} (by ${source})` };
  const wrong = `${shmMountPath} has ${formatBytes(bytes)}, not ${size || "what it should"} (by ${source})`;
  return { wrong, todo: whySize(known, bytes, size, kubectl) };
}

/** The largest pages that Linux has, on arm64. A tmpfs rounds its size up to whole pages. */
const pageBytes = 65_536;

/** Tells whether a tmpfs with this limit has so many bytes. */
function isOfSize(bytes: number, limit: string): boolean {
  const least = quantityBytes(limit) ?? NaN;
  return bytes >= least && bytes <= Math.ceil(least / pageBytes) * pageBytes;
}

const notRunningYet = ({ name, facts }: KnownPod, kubectl: string): Seen => ({
  wrong: `it is ${facts.phase}, not Running`,
  todo: describePod(kubectl, name),
});

function whySize({ name, pod }: OutpostPod, bytes: number, size: string, kubectl: string): string {
  const limit = shmSizeOf(pod);
  if (limit === undefined || isOfSize(bytes, limit)) {
    return `The pod is not of the template that is wanted: wait for the rollout, or replace it: ${kubectl} delete pod ${name} (its users log in again).`;
  }
  return `The kubelet gives no more than the pod's memory limit or the node's allocatable memory: raise the limit to more than ${size}, or lower shmSize.`;
}

/** Checks that the outpost's sessions are in /dev/shm, and that it is no release on which removing them opens forward auth. */
export function sessionsCheck(expected: ExpectedOutpost, deployment: Deployment, pods: LookedInto[]): Check {
  const { name, container } = expected;
  if (pods.length > 0)
    return overPods(name, "sessions", pods, ({ pod, container, inside }) => sessionsIn(pod, container, inside));
  const seen = sessionsIn(deployment, container, {});
  if ("right" in seen) return checkOf(name, "sessions", { right: `there are no pods; ${seen.right}` });
  return checkOf(name, "sessions", { ...seen, wrong: `Deployment ${nameOf(deployment)}: ${seen.wrong}` });
}

function sessionsIn(object: Deployment | OutpostPod["pod"], container: string, inside: Inside): Seen {
  const { image = "" } = containersNamed(object, container)[0] ?? {};
  if (releasesOf(image)?.isOpen) return { wrong: `it runs ${image}, and ${openForwardAuth}`, todo: closeForwardAuth };
  const place = sessionPlaceIn(object, container, inside);
  if ("unknown" in place) {
    const wrong = `the place of its sessions is not known: ${place.unknown}${inside.error ? `; ${inside.error}` : ""}`;
    return { wrong, todo: "Have somebody verify who may exec in the pods." };
  }
  const found = sessionsElsewhere(container, place);
  if (found) return { wrong: found.seen, todo: found.todo };
  const by = inside.tmpdir === undefined ? `: ${place.because}` : " (by its environment)";
  return { right: `sessions are in ${place.dir}${by}` };
}

/** Checks that the sidecar's last sweep is no older than three of its intervals and had no error. */
export async function sweepCheck(round: Round, expected: ExpectedOutpost, pods: KnownPod[]): Promise<Check> {
  const seen = await mapParallel(pods, (known) => lastSweep(round, expected, known));
  const oldest = Math.max(...pods.map(({ facts }) => sweptAgo(facts, round.now) ?? 0));
  const right = `the last sweep was at most ${formatAge(oldest)} ago, without error`;
  return overPods(expected.name, "sweep", pods, (_pod, index) => seen[index], right);
}

/** Seconds since the pod's last sweep. */
const sweptAgo = ({ lastSweepAt }: PodFacts, now: Date): number | undefined =>
  lastSweepAt && Math.max(0, secondsSince(lastSweepAt, now));

async function lastSweep(
  { cluster, kubectl, now }: Round,
  { sweepIntervalSeconds }: ExpectedOutpost,
  known: KnownPod,
): Promise<Seen> {
  const { name, facts } = known;
  if (facts.phase !== "Running") return notRunningYet(known, kubectl);
  const todo = `See what it says: ${kubectl} logs ${name} -c ${sidecarContainer}`;
  const age = sweptAgo(facts, now);
  if (age === undefined || !facts.lastSweepAt) return { wrong: facts.notes[0] ?? "no sweep is known", todo };
  const interval = Math.max(sweepIntervalSeconds, Math.floor((facts.inodesUsed ?? 0) / idleFilesPerSecond));
  const late = `the last sweep was ${formatAge(age)} ago, more than three intervals of ${formatDuration(interval)}`;
  if (age > 3 * interval) return { wrong: late, todo };
  const problem = facts.sweepErrors ? await lastProblem(cluster, known, facts.lastSweepAt) : undefined;
  return problem ? { wrong: `the last sweep had errors: ${problem}`, todo } : { right: "swept" };
}

/** Reads the last sweep's problem from the log, since the counter of errors only grows. Quiet sweeps log nothing. */
async function lastProblem(
  cluster: Cluster,
  { namespace, name }: OutpostPod,
  lastSweepAt: Date,
): Promise<string | undefined> {
  const place = { namespace, pod: name, container: sidecarContainer };
  const log = await cluster.log(place, { tailLines: 100 }).catch((error: Error) => error);
  if (log instanceof Error) return `its log, which would tell, can't be read: ${log.message}`;
  const last = wordsOf(lastSweepLine(log) ?? "");
  // The log's line follows the metrics' timestamp immediately.
  if (!(Date.parse(last.time) >= lastSweepAt.getTime() - 1000)) return undefined;
  if (last.event !== "sweep") return last.error ?? `exit status ${last.status}`;
  return last.errors === "0" ? undefined : (last.problem ?? `${last.errors} files could not be removed`);
}
