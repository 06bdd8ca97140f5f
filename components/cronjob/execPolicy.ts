import { sidecarContainer } from "../../cleaner/names";
import type { CleanerScripts } from "../../cleaner/scripts";
import { sweepVariables } from "../../settings/sweepVariables";
import type { CronJobSettings } from "./manifest";

/** Settings that the policy is made from. */
export type ExecPolicySettings = Pick<CronJobSettings, "namespace" | "outposts" | "serviceAccountName">;

/** Message for anyone who is refused. */
export const refusal = "this account may run nothing but the sweep of authentik-outpost-shm, as the CronJob runs it";

/** Writes a text as a literal of CEL, whose escapes are a superset of JSON's. */
const literal = (value: unknown): string => JSON.stringify(value);

/**
 * A ValidatingAdmissionPolicy by which the CronJob's account can exec only the sweep, with the settings of one of the outposts,
 * in the containers that the CronJob uses. RBAC alone can't distinguish one exec from another.
 */
export function execPolicySpec(
  { namespace, outposts, serviceAccountName }: ExecPolicySettings,
  scripts: Pick<CleanerScripts, "sweep">,
) {
  const account = `system:serviceaccount:${namespace}:${serviceAccountName}`;
  const settings = [...new Set(outposts.map((outpost) => literal(sweepVariables(outpost))))].sort();
  const containers = [...new Set([...outposts.map(({ container }) => container), sidecarContainer])].sort();
  return {
    failurePolicy: "Fail",
    matchConstraints: {
      resourceRules: [
        { apiGroups: [""], apiVersions: ["*"], operations: ["CONNECT"], resources: ["pods/exec"], scope: "Namespaced" },
      ],
    },
    matchConditions: [{ name: "account", expression: `request.userInfo.username == ${literal(account)}` }],
    variables: [
      { name: "sweep", expression: literal(scripts.sweep) },
      { name: "settings", expression: `[${settings.join(", ")}]` },
    ],
    validations: [
      {
        expression: [
          `request.namespace == ${literal(namespace)}`,
          `object.container in ${literal(containers)}`,
          `variables.settings.exists(words, object.command == ["sh", "-c", variables.sweep, "sweep"] + words)`,
          "!(has(object.stdin) && object.stdin)",
          "!(has(object.tty) && object.tty)",
        ].join(" && "),
        message: refusal,
        reason: "Forbidden",
      },
    ],
  };
}
