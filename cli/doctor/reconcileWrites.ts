import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { authentikManager } from "../../authentik/names";
import { containerPath, ownersOf } from "../../kubernetes/fieldOwners";
import { outpostContainerIn } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import type { Finding } from "./finding";
import { isOurs } from "./leftovers";
import type { Snapshot } from "./snapshot";

const check = "writes";
const cure = (deployment: V1Deployment, { outpostShm }: Snapshot): string =>
  `Remove that operation from the outpost's kubernetes_json_patches, then \`${outpostShm(`recreate ${nameOf(deployment)}`)}\` and \`pulumi up\`; or have it taken over by \`delivery: authentik\`.`;

/** Finds Deployments that authentik writes at every reconcile, by what it has appended or by a write that was observed. */
export function writeFindings(snapshot: Snapshot): Finding[] {
  const { outposts, later } = snapshot;
  return outposts.deployments.flatMap((deployment) => {
    const after = later?.find((each) => nameOf(each) === nameOf(deployment));
    return [...appended(deployment, snapshot), ...(after ? written(deployment, after, snapshot) : [])];
  });
}

/**
 * Finds containers that authentik appended. An `add …/containers/-` appends at every reconcile, so the Deployment never
 * matches.
 */
function appended(deployment: V1Deployment, snapshot: Snapshot): Finding[] {
  const { managedFields = [] } = deployment.metadata ?? {};
  const outpost = outpostContainerIn(deployment);
  const names = (deployment.spec?.template.spec?.containers ?? [])
    .map(({ name }) => name)
    .filter((name) => name !== outpost)
    .filter((name) => ownersOf(containerPath("containers", name), managedFields).includes(authentikManager));
  if (names.length === 0 || isOurs(deployment)) return [];
  return [
    {
      check,
      subject: `Deployment/${nameOf(deployment)}`,
      seen: `authentik has put container ${names.join(" and ")} beside ${outpost}, as an old JSON patch by \`containers/-\` does`,
      why: "With such a patch authentik writes the Deployment at every look, for ever; if it was removed, the container stays.",
      todo: cure(deployment, snapshot),
    },
  ];
}

function written(before: V1Deployment, after: V1Deployment, snapshot: Snapshot): Finding[] {
  if (before.metadata?.uid !== after.metadata?.uid) return [recreated(before, snapshot)];
  const [was, is] = [writtenAt(before), writtenAt(after)];
  const generations = [before, after].map(({ metadata }) => metadata?.generation ?? 0);
  if (is <= was && generations[0] === generations[1]) return [];
  const by = is > was ? `authentik wrote it at ${new Date(is).toISOString()}` : "it was written";
  return [
    {
      check,
      subject: `Deployment/${nameOf(before)}`,
      seen: `while it was observed ${by} (generation ${generations.join(" to ")})`,
      why: "At rest nobody writes an outpost's Deployment. One write is an update; one at every look is a patch that never fits.",
      todo: `Observe again: ${snapshot.outpostShm("doctor --observe 10m")}, and save the outpost in the Admin UI meanwhile. ${cure(before, snapshot)}`,
    },
  ];
}

const recreated = (deployment: V1Deployment, { outpostShm }: Snapshot): Finding => ({
  check,
  subject: `Deployment/${nameOf(deployment)}`,
  seen: "while it was observed it was deleted and created again",
  why: "authentik recreates a Deployment whose first container is not as it made it, or whose update is refused: each time all sessions end.",
  todo: `See that the outpost's own container comes first and has its ports: ${outpostShm("verify")}. authentik's log says what it refused.`,
});

/** Returns the time of authentik's last write, in milliseconds since 1970, or 0 if it never wrote. */
function writtenAt({ metadata }: V1Deployment): number {
  const entries = (metadata?.managedFields ?? []).filter(
    ({ manager, subresource }) => manager === authentikManager && !subresource,
  );
  return Math.max(0, ...entries.map(({ time }) => (time ? new Date(time).getTime() : 0)));
}
