import type { Deployment } from "./types";

type Requirement = NonNullable<NonNullable<Deployment["spec"]>["selector"]["matchExpressions"]>[number];

/** Returns the selector of a Deployment's own pods, as kubectl and the API take it. */
export const selectorOf = (deployment: Deployment): string => requirements(deployment).map(textOf).join(",");

/** Returns the same for a command line, in quotes if a shell would take it apart. */
export function selectorInShell(deployment: Deployment): string {
  const selector = selectorOf(deployment);
  return /^[\w=,./-]+$/.test(selector) ? selector : `'${selector}'`;
}

/** Tells whether a pod with these labels is one of the Deployment's. */
export function selects(deployment: Deployment, labels: Record<string, string> = {}): boolean {
  const all = requirements(deployment);
  return all.length > 0 && all.every((requirement) => isMet(requirement, labels[requirement.key]));
}

function requirements({ spec }: Deployment): Requirement[] {
  const { matchLabels = {}, matchExpressions = [] } = spec?.selector ?? {};
  const labels = Object.entries(matchLabels).map(([key, value]) => ({ key, operator: "In", values: [value] }));
  return [...labels, ...matchExpressions];
}

function textOf({ key, operator, values = [] }: Requirement): string {
  if (operator === "Exists") return key;
  if (operator === "DoesNotExist") return `!${key}`;
  if (operator === "In" && values.length === 1) return `${key}=${values[0]}`;
  return `${key} ${operator.toLowerCase()} (${values.join(",")})`;
}

function isMet({ operator, values = [] }: Requirement, value: string | undefined): boolean {
  if (operator === "In") return value !== undefined && values.includes(value);
  if (operator === "NotIn") return value === undefined || !values.includes(value);
  return (operator === "Exists") === (value !== undefined);
}
