import { isDeepStrictEqual } from "node:util";
import { textLiteral } from "../../kubernetes/cel";
import type { LabelRequirement, LabelSelector } from "../../kubernetes/labelSelector";
import { requirements } from "../../kubernetes/podsOfDeployment";

/**
 * Returns the narrowest label selector that matches the pods of all these Deployments, by what their own selectors have in
 * common. The API server compares labels before it evaluates anything. Undefined if they have nothing in common.
 */
export function commonSelector(selectors: readonly LabelSelector[]): LabelSelector | undefined {
  const [first = [], ...others] = selectors.map(requirements);
  const common = first
    .flatMap((requirement) => commonRequirement(requirement, others))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  if (common.length === 0) return undefined;
  const isOne = ({ operator, values }: LabelRequirement) => operator === "In" && values?.length === 1;
  const labels = common.filter(isOne).map(({ key, values }): [string, string] => [key, values![0]]);
  const expressions = common.filter((each) => !isOne(each));
  return {
    ...(labels.length > 0 && { matchLabels: Object.fromEntries(labels) }),
    ...(expressions.length > 0 && { matchExpressions: expressions }),
  };
}

/** Widens a requirement to what the others require of the same label. Returns none if one of them requires nothing like it. */
function commonRequirement(requirement: LabelRequirement, others: readonly LabelRequirement[][]): LabelRequirement[] {
  const { key, operator } = requirement;
  const alike = others.map((other) => other.find((each) => each.key === key && each.operator === operator));
  if (operator !== "In") return alike.every((each) => isDeepStrictEqual(each, requirement)) ? [requirement] : [];
  if (alike.includes(undefined)) return [];
  const values = [requirement, ...alike].flatMap((each) => each?.values ?? []);
  return [{ key, operator, values: [...new Set(values)].sort() }];
}

/** The variable with the pod's labels as `key=value`; no key has that character. */
export const labelsVariable = {
  name: "labels",
  expression: 'has(object.metadata.labels) ? object.metadata.labels.map(k, k + "=" + object.metadata.labels[k]) : []',
};

/** Writes the test of a pod's labels by a selector, as CEL. */
export const selectorExpression = (selector: LabelSelector): string =>
  requirements(selector).map(requirementExpression).sort().join(" && ");

function requirementExpression({ key, operator, values = [] }: LabelRequirement): string {
  const labels = `variables.${labelsVariable.name}`;
  const isThere = values.length
    ? values.map((value) => `${textLiteral(`${key}=${value}`)} in ${labels}`).join(" || ")
    : `${labels}.exists(l, l.startsWith(${textLiteral(`${key}=`)}))`;
  if (operator === "NotIn" || operator === "DoesNotExist") return `!(${isThere})`;
  return values.length > 1 ? `(${isThere})` : isThere;
}
