// Part of the component's arguments, so it imports nothing whose types are not there where the package is used.

export interface LabelRequirement {
  key: string;
  /** In, NotIn, Exists or DoesNotExist. */
  operator: string;
  /** Only for In and NotIn. */
  values?: string[];
}

/** A selector of pods, as a Deployment or an admission policy has it. */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: LabelRequirement[];
}
