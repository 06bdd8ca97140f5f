import { isDeepStrictEqual } from "node:util";
import type { DryRun } from "../kubernetes/cluster";
import type { LabelSelector } from "../kubernetes/labelSelector";
import type { Deployment } from "../kubernetes/types";
import * as messages from "./messages";

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
  /** Outposts whose Deployment bears the name that authentik gave it before 2025.4. */
  formerNames?: { name: string; deployment: string }[];
}

export const nothing: Findings = { problems: [], warnings: [] };
export const problem = (text: string): Findings => ({ problems: [text], warnings: [] });
export const warning = (text: string): Findings => ({ problems: [], warnings: [text] });

export const merge = (all: Findings[]): Findings => ({
  problems: all.flatMap(({ problems }) => problems),
  warnings: all.flatMap(({ warnings }) => warnings),
  ...nonEmpty("restarts", all),
  ...nonEmpty("underWay", all),
  ...nonEmpty("podSelectors", all),
  ...nonEmpty("handovers", all),
  ...nonEmpty("formerNames", all),
});

function nonEmpty(
  key: "restarts" | "underWay" | "podSelectors" | "handovers" | "formerNames",
  all: Findings[],
): Partial<Findings> {
  const entries = all.flatMap((findings): unknown[] => findings[key] ?? []);
  return entries.length > 0 ? { [key]: entries } : {};
}

/** Reports whether a change restarts the Deployment's pods, by the API server's own answer to a dry run of it. */
export function restarts(live: Deployment, dryRun: DryRun): Findings {
  switch (dryRun.outcome) {
    case "invalid":
      return problem(messages.invalid(live, dryRun.reason));
    case "forbidden":
      return warning(messages.unknownRestart(live, dryRun.reason));
    case "applied":
      return isDeepStrictEqual(live.spec?.template, dryRun.deployment.spec?.template)
        ? nothing
        : { ...warning(messages.restart(live)), restarts: [live.metadata?.name ?? ""] };
  }
}
