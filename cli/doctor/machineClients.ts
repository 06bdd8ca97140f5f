import { counted } from "../units";
import type { Found } from "./finding";
import type { Snapshot } from "./snapshot";

/** Logins saved within an hour in one pod: two clients that each log in once a minute. */
const suspicious = 120;

/**
 * Finds pods in which very many logins are young. A client with an Authorization header and without a cookie logs in anew every
 * minute (authentik's Go outposts, up to 2026.5). Nothing tells its sessions from those of people, so this is only a hint.
 */
export function machineClientFindings({ counts }: Snapshot): Found[] {
  return Object.entries(counts).flatMap(([pod, { authenticated = "0", young_logins: young = "0" }]) => {
    if (Number(young) < suspicious) return [];
    return [
      {
        subject: `Pod/${pod}`,
        seen: `${counted(Number(young), "login")} saved within the last hour, of ${authenticated} in all`,
        why: "A person logs in once a day. A client that sends an Authorization header and keeps no cookie writes a login every minute, 1,440 a day, and each stays for `authenticatedMaxAge`.",
        todo: "If that many people did not log in, see docs/runbooks/AuthentikOutpostShmSessionFilesHigh.md for such clients.",
      },
    ];
  });
}
