export type Labels = Readonly<Record<string, string>>;

/** A label selector, as an admission policy has it. */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values: string[] }[];
}

/**
 * Returns the narrowest label selector that matches the pods of all these Deployments, by the labels that their selectors have
 * in common. The API server compares labels before it evaluates anything. Undefined if they have none in common.
 */
export function commonSelector(selectors: readonly Labels[]): LabelSelector | undefined {
  const [first = {}, ...others] = selectors;
  const keys = Object.keys(first)
    .filter((key) => others.every((labels) => key in labels))
    .sort();
  if (keys.length === 0) return undefined;
  const valuesOf = (key: string) => [...new Set(selectors.map((labels) => labels[key]))].sort();
  const same = keys.filter((key) => valuesOf(key).length === 1);
  const different = keys.filter((key) => valuesOf(key).length > 1);
  return {
    ...(same.length > 0 && { matchLabels: Object.fromEntries(same.map((key) => [key, first[key]])) }),
    ...(different.length > 0 && {
      matchExpressions: different.map((key) => ({ key, operator: "In", values: valuesOf(key) })),
    }),
  };
}
