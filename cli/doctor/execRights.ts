import { mayExecCommands } from "../../kubernetes/exec";
import type { Found } from "./finding";
import type { Snapshot } from "./snapshot";

/** Reports if the user may not exec in the pods, according to the API server's own review. */
export function deniedExec({ mayExec, namespace, kubectl }: Snapshot): Found | undefined {
  const denied = mayExec.filter(({ verdict }) => !verdict.allowed);
  if (denied.length === 0) return undefined;
  const [{ verdict }] = denied;
  const verbs = denied.map(({ verb }) => verb);
  return {
    subject: `Namespace/${namespace}`,
    seen: `you may not ${verbs.join(" and ")} pods/exec${verdict.reason ? ` (${verdict.reason})` : ""}`,
    why: "`cleanup`, and `status` of a pod without the sidecar, work by exec. An exec over a WebSocket takes get, and from Kubernetes 1.35 create as well.",
    todo: `Have both verbs on pods/exec granted in namespace ${namespace}; then: ${mayExecCommands(kubectl, verbs)}`,
  };
}
