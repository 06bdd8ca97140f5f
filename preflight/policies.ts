import { nothing, problem, warning, type Findings } from "./findings";
import * as messages from "./messages";
import type { PolicyApi } from "../kubernetes/policies";

/** What a look at the cluster's admission found, and whether the CronJob's account is to be held by a policy. */
export interface PolicyFindings extends Findings {
  execPolicy: boolean;
}

/** Where a policy is wanted: is there one to be had? A cluster without them gets a warning, since nothing can be done about it there. */
export async function inspectPolicies(api: PolicyApi, namespace: string, wanted: boolean): Promise<PolicyFindings> {
  if (!wanted) return { ...nothing, execPolicy: false };
  switch (await api.support()) {
    case "usable":
      return { ...nothing, execPolicy: true };
    case "unserved":
      return { ...warning(messages.noPolicies(namespace)), execPolicy: false };
    case "forbidden":
      return { ...problem(messages.policiesForbidden(namespace)), execPolicy: false };
  }
}
