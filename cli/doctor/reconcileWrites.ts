import { authentikManager, managedByLabel } from "../../authentik/names";
import { containerPath, ownersOf, ownsFields } from "../../kubernetes/fieldOwners";
import { changedFields, writesOf, type Write } from "../../kubernetes/fieldWrites";
import type { Deployment } from "../../kubernetes/types";
import { eitherWay, recreateCommand } from "../advice";
import { outpostContainerIn } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import { fieldOwners, isOurs } from "../pods/solution";
import { formatAge, secondsSince } from "../units";
import type { Cause } from "./finding";
import type { Snapshot } from "./snapshot";

/** Writes from which a Deployment is written remarkably often, if that is more than one a day. */
const many = 100;
/** Writers, and fields of each, that a finding lists. */
const listed = 3;

/** Only for a container that authentik appended: nothing else is sure enough for advice that ends sessions. */
const cure = (deployment: Deployment, snapshot: Snapshot): string =>
  `Remove that operation from the outpost's kubernetes_json_patches, then ${recreateCommand(snapshot, nameOf(deployment))}, and deploy again ${eitherWay()}; or have it taken over by \`delivery: authentik\`.`;

/** Finds Deployments that are written again and again: by what authentik has appended, by their writers, or by observation. */
export function writesOnDeployment(deployment: Deployment, snapshot: Snapshot): Cause[] {
  const after = snapshot.later?.find((each) => nameOf(each) === nameOf(deployment));
  const causes = [
    appended(deployment, snapshot),
    inTurn(after ?? deployment, snapshot),
    after && written(deployment, after, snapshot),
  ];
  return causes.filter((cause) => cause !== undefined);
}

/**
 * Finds containers that authentik appended. An `add …/containers/-` appends at every reconcile, so the Deployment never
 * matches.
 */
function appended(deployment: Deployment, snapshot: Snapshot): Cause | undefined {
  const { managedFields = [] } = deployment.metadata ?? {};
  const outpost = outpostContainerIn(deployment);
  const names = (deployment.spec?.template.spec?.containers ?? [])
    .map(({ name }) => name)
    .filter((name) => name !== outpost)
    .filter((name) => ownersOf(containerPath("containers", name), managedFields).includes(authentikManager));
  if (names.length === 0 || isOurs(deployment)) return undefined;
  return {
    seen: `authentik has put container ${names.join(" and ")} beside ${outpost}, as an old JSON patch by \`containers/-\` does`,
    why: "With such a patch authentik writes the Deployment at every look, for ever; if it was removed, the container stays.",
    todo: cure(deployment, snapshot),
  };
}

/** Finds Deployments that two programs write in turn: by a field of authentik's that another holds, or by very many writes. */
function inTurn(deployment: Deployment, { now }: Pick<Snapshot, "now">): Cause | undefined {
  const held = heldByOthers(deployment);
  const often = veryOften(deployment, now);
  if (held.length === 0 && !often) return undefined;
  const writes = writesOf(deployment.metadata?.managedFields ?? []).slice(0, listed);
  const others = [...new Set(held.flatMap(({ owners }) => owners))].sort().join(" and ");
  const seen = [
    ...(often ? [often] : []),
    ...held.map(({ field, owners }) => `${field}, which authentik sets, was written last by ${owners.join(" and ")}`),
    `last writes: ${writes.map((write) => describeWrite(write)).join("; ")}`,
  ];
  return {
    seen: seen.join("; "),
    why: "Two programs that set one field write it in turn, for ever. Each change of the pods restarts them, which ends their sessions.",
    todo: others
      ? `Have ${others} leave this Deployment alone: authentik sets these fields whenever it reconciles (image and replicas by the outpost's config: container_image, kubernetes_replicas).`
      : "Have only one of these writers set each field. Nothing here tells which of them is right.",
  };
}

/** Describes a write and its fields, or those given. */
function describeWrite({ manager, operation, at, fields }: Write, chosen = fields): string {
  const more = chosen.length > listed ? ` and ${chosen.length - listed} more` : "";
  const when = at > 0 ? ` at ${new Date(at).toISOString()}` : "";
  const what = chosen.slice(0, listed).join(", ") || "no field that can be told";
  return `${manager} (${operation})${when}: ${what}${more}`;
}

/** Returns the fields that authentik compares at every reconcile and somebody else has written since. */
function heldByOthers(deployment: Deployment): { field: string; owners: string[] }[] {
  const { labels, managedFields = [] } = deployment.metadata ?? {};
  if (labels?.[managedByLabel] !== authentikManager || !ownsFields(authentikManager, managedFields)) return [];
  // An autoscaler, or `kubectl scale`, writes replicas by the subresource.
  const all = managedFields.map((entry) =>
    entry.subresource === "scale" ? { ...entry, subresource: undefined } : entry,
  );
  const container = outpostContainerIn(deployment);
  return [
    { field: `the image of container ${container}`, path: [...containerPath("containers", container), "f:image"] },
    { field: "replicas", path: ["f:spec", "f:replicas"] },
  ]
    .map(({ field, path }) => ({ field, owners: ownersOf(path, all) }))
    .filter(({ owners }) => owners.length > 0 && !owners.includes(authentikManager));
}

function veryOften({ metadata }: Deployment, now: Date): string | undefined {
  const { generation = 0, creationTimestamp } = metadata ?? {};
  const age = creationTimestamp ? secondsSince(creationTimestamp, now) : 0;
  if (generation < many || generation < age / 86_400) return undefined;
  return `it has been changed ${generation} times${age > 0 ? ` in ${formatAge(age)}` : ""} (its generation)`;
}

function written(before: Deployment, after: Deployment, snapshot: Snapshot): Cause | undefined {
  if (before.metadata?.uid !== after.metadata?.uid) return recreated(after, snapshot);
  const writes = newWrites(before, after);
  const generations = [before, after].map(({ metadata }) => metadata?.generation ?? 0);
  if (writes.length === 0 && generations[0] === generations[1]) return undefined;
  const by = writes.length > 0 ? writes.join("; ") : "nothing tells who wrote it";
  return {
    seen: `while it was observed (generation ${generations.join(" to ")}): ${by}`,
    why: "At rest nobody writes an outpost's Deployment. One write is an update; several are of programs that write in turn, or of one whose write never fits.",
    todo: `Observe again: ${snapshot.outpostShm("doctor --observe 10m")}, and save the outpost in the Admin UI meanwhile.${patchHint(after)}`,
  };
}

/** Describes the writes between two looks, each with the fields that it took or changed. */
function newWrites(before: Deployment, after: Deployment): string[] {
  const earlier = writesOf(before.metadata?.managedFields ?? []);
  const changed = changedFields(plain(before), plain(after));
  return writesOf(after.metadata?.managedFields ?? []).flatMap((write) => {
    const same = earlier.find(({ manager, operation }) => manager === write.manager && operation === write.operation);
    if (same && write.at <= same.at) return [];
    const fields = write.fields.filter((field) => !same?.fields.includes(field) || changed.includes(field));
    return [describeWrite(write, fields)];
  });
}

const plain = ({ metadata, spec }: Deployment) => ({
  metadata: { labels: metadata?.labels, annotations: metadata?.annotations },
  spec,
});

/** Names a patch in authentik as a possible cause, only if authentik owns parts that such a patch brings. */
function patchHint(deployment: Deployment): string {
  const pasted = fieldOwners(deployment).some(({ owners }) => owners.includes(authentikManager));
  if (!pasted || isOurs(deployment)) return "";
  return " A patch pasted into the outpost's kubernetes_json_patches may be one that never fits: have it taken over by `delivery: authentik`.";
}

function recreated(after: Deployment, { outpostShm }: Snapshot): Cause {
  const creator = writesOf(after.metadata?.managedFields ?? []).at(-1)?.manager ?? "unknown";
  const isAuthentik = creator === authentikManager;
  return {
    seen: `while it was observed it was deleted, and created again by ${creator}`,
    why: isAuthentik
      ? "authentik recreates a Deployment whose first container is not as it made it, or whose update is refused: each time all sessions end."
      : "Each time all sessions end.",
    todo: isAuthentik
      ? `See that the outpost's own container comes first and has its ports: ${outpostShm("verify")}. authentik's log says what it refused.`
      : `Find out why ${creator} does that.`,
  };
}
