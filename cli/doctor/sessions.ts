import { sessionsElsewhere } from "../../authentik/sessionPlace";
import { closeForwardAuth, openForwardAuth, releasesOf, type Releases } from "../../authentik/releases";
import type { Deployment } from "../../kubernetes/types";
import { containersNamed, outpostContainerIn } from "../pods/containers";
import { sessionPlaceIn } from "../pods/inside";
import { nameOf, podsOf, type OutpostPod } from "../pods/outpostPods";
import { counted } from "../units";
import type { Cause, Found } from "./finding";
import type { Snapshot } from "./snapshot";

type Looked = Pick<Snapshot, "outposts" | "insides" | "expectation">;

/** Finds outposts of a release on which forward auth is open. */
export function openForwardAuthIn(deployment: Deployment, snapshot: Looked): Cause | undefined {
  if (!releasesIn(deployment, snapshot)?.isOpen) return undefined;
  return {
    seen: `the outpost is ${imageOf(deployment, snapshot)}`,
    why: `${openForwardAuth.charAt(0).toUpperCase()}${openForwardAuth.slice(1)}. So making room opens it too.`,
    todo: closeForwardAuth,
  };
}

/** Finds outposts whose sessions are elsewhere than in /dev/shm. */
export function sessionsFindings(snapshot: Looked): Found[] {
  const why = "The cure sweeps /dev/shm alone, so it does not reach them, however empty /dev/shm looks.";
  const found = snapshot.outposts.deployments.flatMap((deployment) => elsewhere(deployment, snapshot) ?? []);
  return found.map((each) => ({ why, ...each }));
}

/** Tells whether making room in /dev/shm helps the outpost: its sessions are there, and removing them opens nothing. */
export const isCurable = (deployment: Deployment, snapshot: Looked): boolean =>
  !elsewhere(deployment, snapshot) && !releasesIn(deployment, snapshot)?.isOpen;

/** Returns the releases that the Deployment's image is one of, if its tag tells. */
export const releasesIn = (deployment: Deployment, snapshot: Looked): Releases | undefined =>
  releasesOf(imageOf(deployment, snapshot));

/** Judges the pods that a command could be run in, and the Deployment's own spec if there is none. */
function elsewhere(deployment: Deployment, snapshot: Looked): Omit<Found, "why"> | undefined {
  const { outposts, insides } = snapshot;
  const asked = podsOf(deployment, outposts).filter(({ name }) => insides[name]?.tmpdir !== undefined);
  if (asked.length === 0) {
    const container = containerOf(deployment, snapshot);
    const found = sessionsElsewhere(container, sessionPlaceIn(deployment, container));
    return found && { subject: `Deployment/${nameOf(deployment)}`, ...found };
  }
  for (const { name, pod, container } of asked) {
    const found = sessionsElsewhere(container, sessionPlaceIn(pod, container, insides[name]));
    if (found) return { subject: `Pod/${name}`, ...found };
  }
  return undefined;
}

function containerOf(deployment: Deployment, { expectation }: Looked): string {
  const wanted = expectation?.outposts.find((each) => each.deployment === nameOf(deployment));
  return outpostContainerIn(deployment, wanted?.container);
}

const imageOf = (deployment: Deployment, snapshot: Looked): string =>
  containersNamed(deployment, containerOf(deployment, snapshot))[0]?.image ?? "";

/** Logins saved within an hour in one pod: two clients that each log in once a minute. */
const suspicious = 120;

/**
 * Finds pods in which very many logins are young. A client with an Authorization header and without a cookie logs in anew every
 * minute (authentik's Go outposts, up to 2026.5). Nothing tells its sessions from those of people, so this is only a hint.
 */
export function machineClients({ name }: OutpostPod, { counts }: Snapshot): Cause | undefined {
  const { authenticated = "0", young_logins: young = "0" } = counts[name] ?? {};
  if (Number(young) < suspicious) return undefined;
  return {
    seen: `${counted(Number(young), "login")} saved within the last hour, of ${authenticated} in all`,
    why: "A person logs in once a day. A client that sends an Authorization header and keeps no cookie writes a login every minute, 1,440 a day, and each stays for `authenticatedMaxAge`.",
    todo: "If that many people did not log in, see docs/runbooks/AuthentikOutpostShmSessionFilesHigh.md for such clients.",
  };
}
