import type { V1ContainerStatus } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { sidecarContainer, sidecarMemoryLimit } from "../../cleaner/names";
import { clusterUser } from "../../settings/values/user";
import { otherUser, ownerOnly, uidIn } from "../../podPatch/user";
import { eitherWay } from "../advice";
import { containersNamed, podSpecOf } from "../pods/containers";
import { lastSweepLine, wordsOf } from "../pods/sidecarLog";
import { because, cannotStart, type OutpostPod } from "../pods/outpostPods";
import type { Cause } from "./finding";
import { sidecarStatus, type Snapshot } from "./snapshot";

/** Finds sidecars that do not run, or that run and can't do their work. */
export function brokenSidecar(pod: OutpostPod, snapshot: Snapshot): Cause | undefined {
  const { sidecarLogs, kubectl } = snapshot;
  const status = sidecarStatus(pod.pod);
  if (!status) return undefined;
  const log = sidecarLogs[pod.name] ?? "";
  return (
    ofStatus(status, pod, kubectl) ?? ofUser(pod) ?? ofLog(log, pod, snapshot) ?? unexplained(status, log, pod, kubectl)
  );
}

const unswept = "Nothing sweeps this pod's /dev/shm, and the pod is not ready: it is sent no visitors.";

function ofStatus({ state, lastState, image }: V1ContainerStatus, pod: OutpostPod, kubectl: string): Cause | undefined {
  const { reason = "", message = "" } = state?.waiting ?? {};
  if (cannotStart.test(reason)) {
    const seen = `container ${sidecarContainer} ${because({ reason, message })}`;
    const known = containersNamed(pod.pod, sidecarContainer)[0]?.image || image || "unknown";
    const asRoot = /runAsNonRoot|non-root/.test(message);
    const todo = /Image/.test(reason)
      ? `Set \`cleanerImage\` to an image that the nodes can pull (it is ${known}), and deploy again ${eitherWay()}.`
      : asRoot
        ? `Set \`runAsUser\` to the outpost's uid, which is not 0, and deploy again ${eitherWay()}.`
        : `See the events: ${kubectl} describe pod ${pod.name}. Mind \`runAsUser\` and \`cleanerImage\`, which has to have /bin/sh.`;
    return { seen, why: unswept, todo };
  }
  const ended = state?.terminated ?? lastState?.terminated;
  if (ended?.reason === "OOMKilled") {
    return {
      seen: `container ${sidecarContainer} was OOM-killed (limit ${sidecarMemoryLimit})`,
      why: "A sidecar that is killed in the midst of a sweep does not make room.",
      todo: "What it writes to /dev/shm counts too: see that nobody writes there by exec. If it is killed again and again, lower `shmSize` and report it with its log.",
    };
  }
  return undefined;
}

function ofUser({ pod, container }: OutpostPod): Cause | undefined {
  const seen = otherUser(podSpecOf(pod), container);
  const uid = uidIn(podSpecOf(pod), container);
  const todo = `Set \`runAsUser\` to ${uid}, or to \`${clusterUser}\` if the cluster assigns it, and deploy again ${eitherWay()}.`;
  return seen === undefined ? undefined : { seen, why: ownerOnly, todo };
}

/** Complaints in a sidecar's log, with their remedies. The first match wins. */
const complaints: { says: RegExp; why: string; todo: string | ((pod: OutpostPod, snapshot: Snapshot) => string) }[] = [
  {
    says: /Operation not permitted|Permission denied/,
    why: "/dev/shm is mode 1777: only the uid that wrote a session can remove it, so nothing is removed.",
    todo: ({ name, container }, { kubectl }) =>
      `Set \`runAsUser\` to the outpost's own uid (${kubectl} exec ${name} -c ${container} -- id -u; on OpenShift the namespace's), and deploy again ${eitherWay()}.`,
  },
  {
    says: /[Rr]ead-only|METRICS_DIR .* cannot be written to/,
    why: "It can't remove sessions there, or has no place for its metrics and does not start.",
    todo: `A mount of it is read-only or another's: deploy again ${eitherWay()}, which puts it right.`,
  },
  {
    says: /missing tool/,
    why: "Nothing is removed.",
    todo: `Set \`cleanerImage\` to busybox 1.35 or later, or an image with the GNU tools, and deploy again ${eitherWay()}.`,
  },
  {
    says: /event=sweep_failed/,
    why: "Nothing was removed by that sweep.",
    todo: (pod, { outpostShm }) =>
      `See what else its log says; whether it is still so: ${outpostShm(`status ${pod.name}`)}`,
  },
];

/** Judges a log by its last sweep, or by its last line if no sweep was made. */
function ofLog(log: string, pod: OutpostPod, snapshot: Snapshot): Cause | undefined {
  const last = lastSweepLine(log) ?? log.trim().split("\n").at(-1) ?? "";
  const complaint = complaints.find(({ says }) => says.test(last));
  if (!complaint) return undefined;
  const { error, problem, errors } = wordsOf(last);
  const said = error ?? (problem && `${problem}, ${errors} errors in the last sweep`) ?? last.trim();
  const { why, todo } = complaint;
  return { seen: `its log: ${said}`, why, todo: typeof todo === "string" ? todo : todo(pod, snapshot) };
}

function unexplained(
  { state, lastState, restartCount }: V1ContainerStatus,
  log: string,
  pod: OutpostPod,
  kubectl: string,
): Cause | undefined {
  const ended = state?.terminated ?? lastState?.terminated;
  if (state?.waiting?.reason !== "CrashLoopBackOff" && !state?.terminated) return undefined;
  const last = log.trim().split("\n").at(-1) ?? "";
  return {
    seen: `container ${sidecarContainer} has ended ${restartCount} times, last with exit code ${ended?.exitCode}${last ? `, saying: ${last}` : ""}`,
    why: unswept,
    todo: `See what it says: ${kubectl} logs ${pod.name} -c ${sidecarContainer} --previous`,
  };
}
