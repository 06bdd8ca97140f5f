import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { authentikManager, managedByLabel } from "../../authentik/names";
import { containerPath, ownersOf, ownsFields } from "../../kubernetes/fieldOwners";
import { writesOf, type Write } from "../../kubernetes/fieldWrites";
import { outpostContainerIn } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import { formatAge } from "../units";
import type { Finding } from "./finding";
import type { Snapshot } from "./snapshot";

/** Writes from which a Deployment is written remarkably often, if that is more than one a day. */
const many = 100;
/** Writers, and fields of each, that a finding lists. */
const listed = 3;

/** Finds Deployments that two programs write in turn: by a field of authentik's that another holds, or by very many writes. */
export function inTurn(deployment: V1Deployment, { now }: Pick<Snapshot, "now">): Finding[] {
  const held = heldByOthers(deployment);
  const often = veryOften(deployment, now);
  if (held.length === 0 && !often) return [];
  const writes = writesOf(deployment.metadata?.managedFields ?? []).slice(0, listed);
  const others = [...new Set(held.flatMap(({ owners }) => owners))].sort().join(" and ");
  const seen = [
    ...(often ? [often] : []),
    ...held.map(({ field, owners }) => `${field}, which authentik sets, was written last by ${owners.join(" and ")}`),
    `last writes: ${writes.map((write) => describeWrite(write)).join("; ")}`,
  ];
  return [
    {
      check: "writes",
      subject: `Deployment/${nameOf(deployment)}`,
      seen: seen.join("; "),
      why: "Two programs that set one field write it in turn, for ever. Each change of the pods restarts them, which ends their sessions.",
      todo: others
        ? `Have ${others} leave this Deployment alone: authentik sets these fields whenever it reconciles (image and replicas by the outpost's config: container_image, kubernetes_replicas).`
        : "Have only one of these writers set each field. Nothing here tells which of them is right.",
    },
  ];
}

/** Describes a write and its fields, or those given. */
export function describeWrite({ manager, operation, at, fields }: Write, chosen = fields): string {
  const more = chosen.length > listed ? ` and ${chosen.length - listed} more` : "";
  const when = at > 0 ? ` at ${new Date(at).toISOString()}` : "";
  const what = chosen.slice(0, listed).join(", ") || "no field that can be told";
  return `${manager} (${operation})${when}: ${what}${more}`;
}

/** Returns the fields that authentik compares at every reconcile and somebody else has written since. */
function heldByOthers(deployment: V1Deployment): { field: string; owners: string[] }[] {
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

function veryOften({ metadata }: V1Deployment, now: Date): string | undefined {
  const { generation = 0, creationTimestamp } = metadata ?? {};
  const age = creationTimestamp ? (now.getTime() - new Date(creationTimestamp).getTime()) / 1000 : 0;
  if (generation < many || generation < age / 86_400) return undefined;
  return `it has been changed ${generation} times${age > 0 ? ` in ${formatAge(age)}` : ""} (its generation)`;
}
