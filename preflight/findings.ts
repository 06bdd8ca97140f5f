import { isDeepStrictEqual } from "node:util";
import type { DryRun } from "../kubernetes/cluster";
import type { LabelSelector } from "../kubernetes/labelSelector";
import type { Deployment } from "../kubernetes/types";

/** Findings of a look at the cluster, before anything is changed. */
export interface Findings {
  /** Reasons not to go on. */
  problems: string[];
  /** Facts that the operator should know before saying yes: pods that restart, memory that is too small. */
  warnings: string[];
  /** Deployments whose pods the update restarts. */
  restarts?: string[];
  /** Deployments whose rollout is under way already, or that are yet to be created. */
  underWay?: string[];
  /** Selectors of Deployments' pods, where an admission policy has to know them. */
  podSelectors?: { deployment: string; selector: LabelSelector }[];
  /** Deployments that have the sidecar by authentik's patch, and are to lose it in the write that asks an admission policy for it. */
  handovers?: string[];
}

export const nothing: Findings = { problems: [], warnings: [] };
export const problem = (text: string): Findings => ({ problems: [text], warnings: [] });
export const warning = (text: string): Findings => ({ problems: [], warnings: [text] });

export function merge(all: Findings[]): Findings {
  const merged: Record<string, unknown[]> = { problems: [], warnings: [] };
  for (const [kind, entries] of all.flatMap((findings) => Object.entries(findings) as [string, unknown[]][]))
    merged[kind] = [...(merged[kind] ?? []), ...entries];
  // Each kind of them has entries of that kind alone.
  return merged as unknown as Findings;
}

/** @param change completes "the API server would not …" */
export const invalid = (live: Deployment, reason: string, change = "take the sidecar"): Findings =>
  problem(`Deployment ${live.metadata?.name}: the API server would not ${change}: ${reason}`);

/** The change that removes what is ours, for {@link restarts}. */
export const removal = "let the sidecar go";

/** Reports whether a change restarts the Deployment's pods, by the API server's own answer to a dry run of it. */
export function restarts(live: Deployment, dryRun: DryRun, change?: string): Findings {
  const { metadata: { name = "", namespace } = {}, spec } = live;
  if (dryRun.outcome === "invalid") return invalid(live, dryRun.reason, change);
  if (dryRun.outcome === "forbidden")
    return warning(
      `Deployment ${name}: whether this change restarts its pods is not known, the dry run was refused: ${dryRun.reason}`,
    );
  if (isDeepStrictEqual(spec?.template, dryRun.deployment.spec?.template)) return nothing;
  const replicas = spec?.replicas ?? 1;
  if (replicas === 0) return { ...nothing, restarts: [name] };
  const way =
    spec?.strategy?.type === "Recreate"
      ? "its strategy is Recreate: an outage until the new ones are ready"
      : "rolling update";
  const pause =
    " But it is paused: before somebody resumes it no pod restarts, and an update that waits for one fails: " +
    `kubectl --namespace ${namespace} rollout resume deployment ${name}`;
  const restart = warning(
    `Deployment ${name}: this change restarts ${replicas === 1 ? "its pod" : `its ${replicas} pods`} (${way}). ` +
      `The sessions in a restarted pod end: their users log in again.${spec?.paused ? pause : ""}`,
  );
  return { ...restart, restarts: [name] };
}
