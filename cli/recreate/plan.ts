import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { authentikManager } from "../../authentik/names";
import { sidecarContainer } from "../../cleaner/names";
import { containerPath, ownersOf } from "../../kubernetes/fieldOwners";
import { hasSidecar } from "../pods/containers";
import { nameOf, outpostOf } from "../pods/outpostPods";
import type { PodFacts } from "../pods/podFacts";
import { counted } from "../units";

/** Describes a recreation and the sessions that end with it, one line each. */
export function planOf(deployment: V1Deployment, facts: PodFacts[], doubt: string | undefined): string {
  const lines = [
    `Deployment ${deployment.metadata?.namespace}/${nameOf(deployment)} of outpost ${outpostOf(deployment)} is deleted with its ` +
      `${counted(facts.length, "pod")}, and authentik creates it again.`,
    sessionsOf(facts),
    "Until then nobody gets at the outpost's applications. authentik looks at its outposts every four hours, and at once when one is saved: " +
      "be ready to save it in the Admin UI (Applications › Outposts › Edit › Update).",
    ...(isBareAfterwards(deployment)
      ? ["It comes back without the sidecar, which `pulumi up --refresh` then brings again."]
      : []),
    ...(doubt ? [`warning: ${doubt}.`] : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function sessionsOf(facts: PodFacts[]): string {
  const told = facts.filter(({ sessions }) => sessions !== undefined);
  const sum = (state: "anonymous" | "authenticated") =>
    told.reduce((total, { sessions }) => total + (sessions?.[state] ?? 0), 0);
  const known = `${counted(sum("authenticated"), "session")} of logged-in people and ${sum("anonymous")} of visitors end`;
  const untold = facts.filter(({ sessions }) => sessions === undefined);
  if (untold.length === 0) return `${known}.`;
  const [{ pod, notes }] = untold;
  return `${known}, and those of ${counted(untold.length, "pod")} that can't be counted (${pod}: ${notes.at(-1) ?? "nothing told"}).`;
}

/** Tells whether somebody other than authentik put the sidecar there. authentik creates the Deployment without it. */
export function isBareAfterwards(deployment: V1Deployment): boolean {
  const paths = [containerPath("initContainers", sidecarContainer), containerPath("containers", sidecarContainer)];
  const owners = paths.flatMap((path) => ownersOf(path, deployment.metadata?.managedFields ?? []));
  return hasSidecar(deployment) && !owners.includes(authentikManager);
}
