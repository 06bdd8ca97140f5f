import type { V1ContainerStatus, V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { idleFilesPerSecond } from "../../cleaner/constants";
import { shmMountPath, shmVolume, sidecarContainer } from "../../cleaner/names";
import type { Cluster } from "../../kubernetes/cluster";
import { quantityBytes } from "../../kubernetes/quantity";
import { isGivenUp, refusedPods, unfinishedRollout } from "../../kubernetes/rollout";
import type { ExpectedOutpost } from "../../settings/expectation";
import { formatDuration } from "../../settings/values/duration";
import { otherUser, ownerOnly } from "../../sidecar/user";
import { replaceBare } from "../pods/solution";
import { carriesSidecar, podSpecOf } from "../pods/containers";
import { currentPods } from "../pods/currentPods";
import { wordsOf } from "../pods/metrics";
import { cannotStart, nameOf, statusesOf, type OutpostPod } from "../pods/outpostPods";
import type { PodFacts } from "../pods/podFacts";
import { mapParallel } from "../progress";
import { formatAge, formatBytes } from "../units";
import { checksOf, overPods, type Check, type Round, type Seen } from "./check";
import type { LookedInto } from "./sessionsCheck";

/** A pod with the facts about it, and what a command in it reports. */
export interface KnownPod extends LookedInto {
  facts: PodFacts;
}

/**
 * Checks that the rollout is over and both containers run in every pod. While it is not, only pods of the present template are
 * judged: an old one is not to blame.
 */
export function containersCheck(
  { kubectl }: Round,
  expected: ExpectedOutpost,
  deployment: V1Deployment,
  pods: OutpostPod[],
): Check {
  const { fail } = checksOf(expected.name);
  const unfinished = unfinishedRollout(deployment);
  const described = `${kubectl} describe deployment ${nameOf(deployment)}`;
  if (unfinished && refusedPods(deployment)) {
    const todo = `Change what refuses them, or the setting that it refuses: ${described}`;
    return { ...fail("containers", unfinished, todo), stuck: true };
  }
  // Pods that can't start come first: others may only wait for them.
  const isStuck = (pod: OutpostPod) => cannotRun(pod) || (expected.admission === true && !carriesSidecar(pod.pod));
  const inOrder = currentPods(deployment, pods).sort((a, b) => Number(isStuck(b)) - Number(isStuck(a)));
  const verdicts = inOrder.map((pod) => ({ pod: pod.name, seen: containersOf(expected, pod, kubectl) }));
  const judged = overPods(expected.name, "containers", verdicts);
  if (!judged.passed) return { ...judged, ...(inOrder.some(isStuck) && { stuck: true }) };
  if (!unfinished) return judged;
  const end = isGivenUp(deployment) ? "; Kubernetes has given the rollout up (progressDeadlineSeconds)" : "";
  return fail("containers", `${unfinished}${end}`, `Wait for it, or see why it stays so: ${described}`);
}

const cannotRun = ({ pod, container }: OutpostPod): boolean =>
  otherUser(podSpecOf(pod), container) !== undefined ||
  statusesOf(pod).some(({ state }) => cannotStart.test(state?.waiting?.reason ?? ""));

function containersOf(expected: ExpectedOutpost, { pod, name, container: outpost }: OutpostPod, kubectl: string): Seen {
  const { status, reason, message } = pod.status?.conditions?.find(({ type }) => type === "PodScheduled") ?? {};
  if (status === "False") {
    const wrong = `it finds no node: ${reason}${message ? ` (${message})` : ""}`;
    return { wrong, todo: `See why: ${kubectl} describe pod ${name}` };
  }
  if (expected.admission && !carriesSidecar(pod))
    return { wrong: `container ${sidecarContainer} is not there`, todo: replaceBare(kubectl, name) };
  const statuses = statusesOf(pod);
  const stopped = [outpost, sidecarContainer]
    .map((container) => ({ container, status: statuses.find((each) => each.name === container) }))
    .filter(({ status }) => !status?.state?.running);
  const wrongUser = otherUser(podSpecOf(pod), outpost);
  if (stopped.length === 0 && wrongUser)
    return { wrong: wrongUser, todo: `${ownerOnly} Correct \`runAsUser\`, and run \`pulumi up\`.` };
  if (stopped.length === 0) return { right: `${outpost} and ${sidecarContainer} are running` };
  // A container that waits for another is not to blame.
  const guilty = stopped.filter(({ status }) => status?.state?.waiting?.reason !== "PodInitializing");
  const wrong = (guilty.length > 0 ? guilty : stopped).map(
    ({ container, status }) => `container ${container} ${notRunning(status)}`,
  );
  return { wrong: wrong.join("; "), todo: `See why: ${kubectl} describe pod ${name}` };
}

function notRunning(status: V1ContainerStatus | undefined): string {
  if (!status) return "is not there";
  const { reason = "unknown", message } = status.state?.waiting ?? status.state?.terminated ?? {};
  return `is not running: ${reason}${message ? ` (${message.replace(/\s+/g, " ").trim()})` : ""}`;
}

/** Checks that /dev/shm in every pod has the expected size, as the outpost's own container sees it. */
export function sizeCheck(round: Round, expected: ExpectedOutpost, deployment: V1Deployment, pods: KnownPod[]): Check {
  const sizeOf = ({ pod }: KnownPod): string => {
    const { volumes } = podSpecOf(expected.admission ? pod.pod : deployment);
    return expected.shmSize ?? volumes?.find(({ name }) => name === shmVolume)?.emptyDir?.sizeLimit ?? "";
  };
  const verdicts = pods.map((known) => ({ pod: known.pod.name, seen: sizeIn(round, known, sizeOf(known)) }));
  return overPods(expected.name, "size", verdicts);
}

function sizeIn({ kubectl }: Round, { pod, facts, inside }: KnownPod, size: string): Seen {
  if (facts.phase !== "Running") return notRunningYet(pod, facts, kubectl);
  const bytes = inside.shmBytes ?? facts.sizeBytes;
  const source = inside.shmBytes === undefined ? (facts.source ?? inside.error) : "df";
  if (bytes === undefined) {
    return { wrong: `its size is not known: ${source}`, todo: "Have somebody verify who may exec in the pods." };
  }
  if (bytes === quantityBytes(size)) return { right: `${shmMountPath} has ${size} (by ${source})` };
  const wrong = `${shmMountPath} has ${formatBytes(bytes)}, not ${size || "what it should"} (by ${source})`;
  return { wrong, todo: whySize(pod, bytes, size, kubectl) };
}

const notRunningYet = ({ name }: OutpostPod, { phase }: PodFacts, kubectl: string): Seen => ({
  wrong: `it is ${phase}, not Running`,
  todo: `See why: ${kubectl} describe pod ${name}`,
});

function whySize({ name, pod }: OutpostPod, bytes: number, size: string, kubectl: string): string {
  const limit = pod.spec?.volumes?.find((volume) => volume.name === shmVolume)?.emptyDir?.sizeLimit;
  if (limit === undefined || bytes === quantityBytes(limit)) {
    return `The pod is not of the template that is wanted: wait for the rollout, or replace it: ${kubectl} delete pod ${name} (its users log in again).`;
  }
  return `The kubelet gives no more than the pod's memory limit or the node's allocatable memory: raise the limit to more than ${size}, or lower shmSize.`;
}

/** Checks that the sidecar's last sweep is no older than three of its intervals and had no error. */
export async function sweepCheck(round: Round, expected: ExpectedOutpost, pods: KnownPod[]): Promise<Check> {
  const verdicts = await mapParallel(pods, async (known) => ({
    pod: known.pod.name,
    seen: await lastSweep(round, expected, known),
  }));
  const oldest = Math.max(...pods.map(({ facts }) => sweptAgo(facts, round.now) ?? 0));
  return overPods(
    expected.name,
    "sweep",
    verdicts,
    `the last sweep was at most ${formatAge(oldest)} ago, without error`,
  );
}

/** Seconds since the pod's last sweep. */
const sweptAgo = ({ lastSweepAt }: PodFacts, now: Date): number | undefined =>
  lastSweepAt && Math.max(0, (now.getTime() - lastSweepAt.getTime()) / 1000);

async function lastSweep(
  { cluster, kubectl, now }: Round,
  { sweepIntervalSeconds }: ExpectedOutpost,
  { pod, facts }: KnownPod,
): Promise<Seen> {
  if (facts.phase !== "Running") return notRunningYet(pod, facts, kubectl);
  const todo = `See what it says: ${kubectl} logs ${pod.name} -c ${sidecarContainer}`;
  const age = sweptAgo(facts, now);
  if (age === undefined || !facts.lastSweepAt) return { wrong: facts.notes[0] ?? "no sweep is known", todo };
  const interval = Math.max(sweepIntervalSeconds, Math.floor((facts.inodesUsed ?? 0) / idleFilesPerSecond));
  if (age > 3 * interval) {
    return {
      wrong: `the last sweep was ${formatAge(age)} ago, more than three intervals of ${formatDuration(interval)}`,
      todo,
    };
  }
  const problem = facts.sweepErrors ? await lastProblem(cluster, pod, facts.lastSweepAt) : undefined;
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
  const lines = log.split("\n").map(wordsOf);
  const last = lines.filter(({ event }) => event === "sweep" || event === "sweep_failed").at(-1);
  // The log's line follows the metrics' timestamp immediately.
  if (!last || Date.parse(last.time) < lastSweepAt.getTime() - 1000) return undefined;
  if (last.event === "sweep_failed") return last.error ?? `exit status ${last.status}`;
  return last.errors === "0" ? undefined : (last.problem ?? `${last.errors} files could not be removed`);
}
