import { admissionFindings } from "./admission";
import { authentikLogFindings } from "./authentikLog";
import { containerFindings } from "./containers";
import { crashFindings } from "./crashes";
import { execFindings } from "./execRights";
import type { Finding } from "./finding";
import { leftoverFindings } from "./leftovers";
import { machineClientFindings } from "./machineClients";
import { memoryFindings } from "./memory";
import { writeFindings } from "./reconcileWrites";
import { rolloutFindings } from "./rollouts";
import { scriptsFindings } from "./scripts";
import { selectorFindings } from "./selectors";
import { forwardAuthFindings, sessionsFindings } from "./sessions";
import type { Snapshot } from "./snapshot";
import { twoCleanersFindings } from "./twoCleaners";
import { unsweptFindings } from "./unswept";
import { versionFindings } from "./versions";

/** All checks that need only a snapshot. The first are those whose findings stop everything else. */
export const checks: { name: string; of: (snapshot: Snapshot) => Finding[] }[] = [
  { name: "forward auth", of: forwardAuthFindings },
  { name: "sessions", of: sessionsFindings },
  { name: "selectors", of: selectorFindings },
  { name: "rollout", of: rolloutFindings },
  { name: "solution", of: unsweptFindings },
  { name: "admission", of: admissionFindings },
  { name: "containers", of: containerFindings },
  { name: "sidecar", of: crashFindings },
  { name: "scripts", of: scriptsFindings },
  { name: "authentik's log", of: authentikLogFindings },
  { name: "two cleaners", of: twoCleanersFindings },
  { name: "leftovers", of: leftoverFindings },
  { name: "memory", of: memoryFindings },
  { name: "machine clients", of: machineClientFindings },
  { name: "versions", of: versionFindings },
  { name: "exec", of: execFindings },
  { name: "writes", of: writeFindings },
];
