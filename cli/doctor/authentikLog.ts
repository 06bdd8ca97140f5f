import type { Found } from "./finding";
import type { Snapshot } from "./snapshot";

/** Messages that authentik logs if a patch does not fit the Deployment it is applied to. */
const failures =
  /member '(volumes|volumeMounts|initContainers|imagePullSecrets|env|containers)' not found|JsonPatchConflict|JsonPatchException/;

/** Finds patches that authentik could not apply, according to its own log. */
export function authentikLogFindings({ authentikLogs }: Snapshot): Found[] {
  return Object.entries(authentikLogs).flatMap(([pod, log]) => {
    const line = log
      .split("\n")
      .filter((text) => failures.test(text))
      .at(-1);
    if (line === undefined) return [];
    const member = /member '(\w+)' not found/.exec(line)?.[1];
    return [
      {
        subject: `Pod/${pod}`,
        seen: member
          ? `authentik logged: member '${member}' not found`
          : `authentik logged: ${line.trim().slice(0, 300)}`,
        why: "The outpost's kubernetes_json_patches do not fit the Deployment, so authentik neither applies them nor updates it at all.",
        todo:
          `${member ? `Its reference has no ${member}: \`add …/${member}/-\` has no list to add to, \`add …/${member}\` of a whole list does. ` : ""}` +
          "Remove the patch and deploy by `delivery: deployment`, or have it composed by `delivery: authentik` (docs/delivery.md).",
      },
    ];
  });
}
