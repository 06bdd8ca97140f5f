import { sidecarContainer } from "../../cleaner/names";
import { cleanerScripts } from "../../cleaner/scripts";
import { textLiteral } from "../../kubernetes/cel";
import { podNamePattern } from "../../kubernetes/podNames";
import { sweepVariables } from "../../settings/sweepVariables";
import type { CronJobSettings } from "./cronJobSpec";

export type ExecPolicySettings = Pick<CronJobSettings, "namespace" | "outposts" | "serviceAccountName">;

export const refusal = "this account may run nothing but the sweep of authentik-outpost-shm, as the CronJob runs it";

/** Writes texts as a list of CEL. */
const listOf = (texts: readonly string[]): string => `[${texts.map(textLiteral).join(",")}]`;

/**
 * A ValidatingAdmissionPolicy by which the CronJob's account can exec only the sweep: in an outpost's pods, in the containers that
 * the CronJob uses there, with that outpost's settings. RBAC alone can't distinguish one exec from another. A policy sees no
 * labels of the pod, so it knows an outpost's pods by the names that Kubernetes gives them.
 */
export function execPolicySpec({ namespace, outposts, serviceAccountName }: ExecPolicySettings) {
  const account = `system:serviceaccount:${namespace}:${serviceAccountName}`;
  const sweeps = outposts.map((outpost) => {
    const pods = textLiteral(`^${podNamePattern(outpost.deployment)}$`);
    const containers = listOf([outpost.container, sidecarContainer]);
    const command = `["sh", "-c", variables.sweep, "sweep"] + ${listOf(sweepVariables(outpost))}`;
    return `(request.name.matches(${pods}) && object.container in ${containers} && object.command == ${command})`;
  });
  return {
    failurePolicy: "Fail",
    matchConstraints: {
      resourceRules: [
        { apiGroups: [""], apiVersions: ["*"], operations: ["CONNECT"], resources: ["pods/exec"], scope: "Namespaced" },
      ],
    },
    matchConditions: [{ name: "account", expression: `request.userInfo.username == ${textLiteral(account)}` }],
    variables: [{ name: "sweep", expression: textLiteral(cleanerScripts().sweep) }],
    validations: [
      {
        expression: [
          `request.namespace == ${textLiteral(namespace)}`,
          "!(has(object.stdin) && object.stdin)",
          "!(has(object.tty) && object.tty)",
          `(${sweeps.sort().join(" || ")})`,
        ].join(" && "),
        message: refusal,
        reason: "Forbidden",
      },
    ],
  };
}
