import type { V1CronJob } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Deployment } from "../../kubernetes/types";
import { nameOf, type OutpostPod } from "../pods/outpostPods";
import { authentikLogFindings } from "./authentikLog";
import { brokenContainers } from "./containers";
import { brokenSidecar } from "./crashes";
import { deniedExec } from "./execRights";
import type { Cause, Finding, Found, Unchecked } from "./finding";
import { pasted, unusedObjects, unwantedCronJob } from "./leftovers";
import { tightMemory } from "./memory";
import { writesOnDeployment } from "./reconcileWrites";
import { haltedRollout, withoutPods } from "./rollouts";
import { missingOutposts, noOutposts, sweptInVain, wronglySelecting } from "./selectors";
import { machineClients, openForwardAuthIn, sessionsFindings } from "./sessions";
import type { Snapshot } from "./snapshot";
import { secondCleaners, secondCronJob } from "./twoCleaners";
import { missedByAdmission, unswept } from "./unswept";
import { foreignScripts, sidecarTooNew } from "./versions";

/** Looks for one kind of fault. */
type Search = (snapshot: Snapshot) => Found | Found[] | undefined;

/** Judges one object. */
type Judge<T> = (object: T, snapshot: Snapshot) => Cause | Cause[] | undefined;

const deployments =
  (judge: Judge<Deployment>): Search =>
  (snapshot) =>
    snapshot.outposts.deployments.flatMap((each) => about(`Deployment/${nameOf(each)}`, judge(each, snapshot)));

const pods =
  (judge: Judge<OutpostPod>): Search =>
  (snapshot) =>
    snapshot.outposts.pods.flatMap((each) => about(`Pod/${each.name}`, judge(each, snapshot)));

const cronJobs =
  (judge: Judge<V1CronJob>): Search =>
  (snapshot) =>
    snapshot.cronJobs.flatMap((each) => about(`CronJob/${each.metadata?.name}`, judge(each, snapshot)));

const about = (subject: string, causes: Cause | Cause[] = []): Found[] =>
  [causes].flat().map((cause) => ({ subject, ...cause }));

/** All checks that need only a snapshot. The first are those whose findings stop everything else. */
export const checks: Record<string, Search[]> = {
  "forward auth": [deployments(openForwardAuthIn)],
  sessions: [sessionsFindings],
  selectors: [noOutposts, deployments(withoutPods), missingOutposts, cronJobs(sweptInVain), cronJobs(wronglySelecting)],
  rollout: [deployments(haltedRollout)],
  solution: [deployments(unswept)],
  admission: [deployments(missedByAdmission)],
  containers: [pods(brokenContainers)],
  sidecar: [pods(brokenSidecar)],
  scripts: [foreignScripts],
  "authentik's log": [authentikLogFindings],
  "two cleaners": [deployments(secondCleaners), cronJobs(secondCronJob)],
  leftovers: [cronJobs(unwantedCronJob), unusedObjects, deployments(pasted)],
  memory: [deployments(tightMemory)],
  "machine clients": [pods(machineClients)],
  versions: [deployments(sidecarTooNew)],
  exec: [deniedExec],
  writes: [deployments(writesOnDeployment)],
};

/** The checks that need a part of the snapshot of another name than theirs. Without it they find less, or nothing. */
const dependents: Record<string, string[]> = {
  CronJobs: ["selectors", "solution", "two cleaners", "leftovers"],
  LimitRanges: ["memory"],
  "logs of sidecars": ["sidecar"],
  "the cluster's version": ["versions"],
};

/** Tells whether a check had all that it needs. What could not be read may name more than the check: "authentik's log in pod …". */
export const isMade = (check: string, unchecked: Unchecked[]): boolean =>
  !unchecked.some(({ what }) => what.startsWith(check) || dependents[what]?.includes(check));

/** Makes all of these checks, or one. */
export const findingsOf = (snapshot: Snapshot, names = Object.keys(checks)): Finding[] =>
  names.flatMap((check) =>
    checks[check].flatMap((search) => [search(snapshot) ?? []].flat().map((found) => ({ check, ...found }))),
  );
