import type { LabelRequirement, LabelSelector } from "./labelSelector";
import type { Deployment } from "./types";

/** Returns the selector of a Deployment's own pods, as kubectl and the API take it. */
export const selectorOf = (deployment: Deployment): string =>
  requirements(deployment.spec?.selector).map(textOf).join(",");

/** Returns the same for a command line, in quotes if a shell would take it apart. */
export function selectorInShell(deployment: Deployment): string {
  const selector = selectorOf(deployment);
  return /^[\w=,./-]+$/.test(selector) ? selector : `'${selector}'`;
}

/** Tells whether a pod with these labels is one of the Deployment's. */
export function selects(deployment: Deployment, labels: Record<string, string> = {}): boolean {
  const all = requirements(deployment.spec?.selector);
  return all.length > 0 && all.every((requirement) => isMet(requirement, labels[requirement.key]));
}

export function requirements({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): LabelRequirement[] {
  const labels = Object.entries(matchLabels).map(([key, value]) => ({ key, operator: "In", values: [value] }));
  return [...labels, ...matchExpressions];
}

function textOf({ key, operator, values = [] }: LabelRequirement): string {
  if (operator === "Exists") return key;
  if (operator === "DoesNotExist") return `!${key}`;
  if (operator === "In" && values.length === 1) return `${key}=${values[0]}`;
  return `${key} ${operator.toLowerCase()} (${values.join(",")})`;
}

function isMet({ operator, values = [] }: LabelRequirement, value: string | undefined): boolean {
  if (operator === "In") return value !== undefined && values.includes(value);
  if (operator === "NotIn") return value === undefined || !values.includes(value);
  return (operator === "Exists") === (value !== undefined);
}
