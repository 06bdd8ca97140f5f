import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { authentikManager } from "../../authentik/names";
import { containerPath, ownersOf } from "../../kubernetes/fieldOwners";
import { changedFields, writesOf } from "../../kubernetes/fieldWrites";
import { sidecarFields } from "../../sidecar/takenFields";
import { outpostContainerIn } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import type { Finding } from "./finding";
import { isOurs } from "./leftovers";
import type { Snapshot } from "./snapshot";
import { describeWrite, inTurn } from "./writers";

const check = "writes";

/** Only for a container that authentik appended: nothing else is sure enough for advice that ends sessions. */
const cure = (deployment: V1Deployment, { outpostShm }: Snapshot): string =>
  `Remove that operation from the outpost's kubernetes_json_patches, then \`${outpostShm(`recreate ${nameOf(deployment)}`)}\` and \`pulumi up\`; or have it taken over by \`delivery: authentik\`.`;

/** Finds Deployments that are written again and again: by what authentik has appended, by their writers, or by observation. */
export function writeFindings(snapshot: Snapshot): Finding[] {
  const { outposts, later } = snapshot;
  return outposts.deployments.flatMap((deployment) => {
    const after = later?.find((each) => nameOf(each) === nameOf(deployment));
    return [
      ...appended(deployment, snapshot),
      ...inTurn(after ?? deployment, snapshot),
      ...(after ? written(deployment, after, snapshot) : []),
    ];
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
  if (before.metadata?.uid !== after.metadata?.uid) return [recreated(after, snapshot)];
  const writes = newWrites(before, after);
  const generations = [before, after].map(({ metadata }) => metadata?.generation ?? 0);
  if (writes.length === 0 && generations[0] === generations[1]) return [];
  const by = writes.length > 0 ? writes.join("; ") : "nothing tells who wrote it";
  return [
    {
      check,
      subject: `Deployment/${nameOf(before)}`,
      seen: `while it was observed (generation ${generations.join(" to ")}): ${by}`,
      why: "At rest nobody writes an outpost's Deployment. One write is an update; several are of programs that write in turn, or of one whose write never fits.",
      todo: `Observe again: ${snapshot.outpostShm("doctor --observe 10m")}, and save the outpost in the Admin UI meanwhile.${patchHint(after)}`,
    },
  ];
}

/** Describes the writes between two looks, each with the fields that it took or changed. */
function newWrites(before: V1Deployment, after: V1Deployment): string[] {
  const earlier = writesOf(before.metadata?.managedFields ?? []);
  const changed = changedFields(plain(before), plain(after));
  return writesOf(after.metadata?.managedFields ?? []).flatMap((write) => {
    const same = earlier.find(({ manager, operation }) => manager === write.manager && operation === write.operation);
    if (same && write.at <= same.at) return [];
    const fields = write.fields.filter((field) => !same?.fields.includes(field) || changed.includes(field));
    return [describeWrite(write, fields)];
  });
}

const plain = ({ metadata, spec }: V1Deployment) => ({
  metadata: { labels: metadata?.labels, annotations: metadata?.annotations },
  spec,
});

/** Names a patch in authentik as a possible cause, only if authentik owns parts that such a patch brings. */
function patchHint(deployment: V1Deployment): string {
  const { managedFields = [] } = deployment.metadata ?? {};
  const pasted = sidecarFields(outpostContainerIn(deployment)).some(({ path }) =>
    ownersOf(path, managedFields).includes(authentikManager),
  );
  if (!pasted || isOurs(deployment)) return "";
  return " A patch pasted into the outpost's kubernetes_json_patches may be one that never fits: have it taken over by `delivery: authentik`.";
}

function recreated(after: V1Deployment, { outpostShm }: Snapshot): Finding {
  const creator = writesOf(after.metadata?.managedFields ?? []).at(-1)?.manager ?? "unknown";
  const isAuthentik = creator === authentikManager;
  return {
    check,
    subject: `Deployment/${nameOf(after)}`,
    seen: `while it was observed it was deleted, and created again by ${creator}`,
    why: isAuthentik
      ? "authentik recreates a Deployment whose first container is not as it made it, or whose update is refused: each time all sessions end."
      : "Each time all sessions end.",
    todo: isAuthentik
      ? `See that the outpost's own container comes first and has its ports: ${outpostShm("verify")}. authentik's log says what it refused.`
      : `Find out why ${creator} does that.`,
  };
}
