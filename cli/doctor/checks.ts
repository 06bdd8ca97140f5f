import type { Deployment } from "../../kubernetes/types";
import { nameOf, type OutpostPod } from "../pods/outpostPods";
import { missedByAdmission } from "./admission";
import { authentikLogFindings } from "./authentikLog";
import { brokenContainers } from "./containers";
import { brokenSidecar } from "./crashes";
import { deniedExec } from "./execRights";
import type { Cause, Finding, Found } from "./finding";
import { leftoverFindings } from "./leftovers";
import { machineClientFindings } from "./machineClients";
import { tightMemory } from "./memory";
import { writesOnDeployment } from "./reconcileWrites";
import { refusedRollout } from "./rollouts";
import { foreignScripts } from "./scripts";
import { selectorFindings } from "./selectors";
import { openForwardAuthIn, sessionsFindings } from "./sessions";
import type { Snapshot } from "./snapshot";
import { twoCleanersFindings } from "./twoCleaners";
import { unswept } from "./unswept";
import { sidecarTooNew } from "./versions";

/** Judges one object. */
type Judge<T> = (object: T, snapshot: Snapshot) => Cause | Cause[] | undefined;

const deployments =
  (judge: Judge<Deployment>) =>
  (snapshot: Snapshot): Found[] =>
    snapshot.outposts.deployments.flatMap((each) => about(`Deployment/${nameOf(each)}`, judge(each, snapshot)));

const pods =
  (judge: Judge<OutpostPod>) =>
  (snapshot: Snapshot): Found[] =>
    snapshot.outposts.pods.flatMap((each) => about(`Pod/${each.name}`, judge(each, snapshot)));

const about = (subject: string, causes: Cause | Cause[] = []): Found[] =>
  [causes].flat().map((cause) => ({ subject, ...cause }));

/** All checks that need only a snapshot. The first are those whose findings stop everything else. */
export const checks: Record<string, (snapshot: Snapshot) => Found | Found[] | undefined> = {
  "forward auth": deployments(openForwardAuthIn),
  sessions: sessionsFindings,
  selectors: selectorFindings,
  rollout: deployments(refusedRollout),
  solution: deployments(unswept),
  admission: deployments(missedByAdmission),
  containers: pods(brokenContainers),
  sidecar: pods(brokenSidecar),
  scripts: foreignScripts,
  "authentik's log": authentikLogFindings,
  "two cleaners": twoCleanersFindings,
  leftovers: leftoverFindings,
  memory: deployments(tightMemory),
  "machine clients": machineClientFindings,
  versions: deployments(sidecarTooNew),
  exec: deniedExec,
  writes: deployments(writesOnDeployment),
};

/** Makes all of these checks, or one. */
export const findingsOf = (snapshot: Snapshot, names = Object.keys(checks)): Finding[] =>
  names.flatMap((check) => [checks[check](snapshot) ?? []].flat().map((found) => ({ check, ...found })));
