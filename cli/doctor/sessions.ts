import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { sessionsElsewhere } from "../../authentik/sessionPlace";
import { closeForwardAuth, openForwardAuth, releasesOf, type Releases } from "../../authentik/versions";
import { containersNamed, outpostContainerIn } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import { sessionPlaceIn } from "../pods/sessionPlace";
import type { Finding } from "./finding";
import type { Snapshot } from "./snapshot";

type Looked = Pick<Snapshot, "outposts" | "insides" | "expectation">;

/** Finds outposts of a release on which forward auth is open. */
export function forwardAuthFindings(snapshot: Looked): Finding[] {
  return snapshot.outposts.deployments
    .filter((deployment) => releasesIn(deployment, snapshot)?.isOpen)
    .map((deployment) => ({
      check: "forward auth",
      subject: `Deployment/${nameOf(deployment)}`,
      seen: `the outpost is ${imageOf(deployment, snapshot)}`,
      why: `${openForwardAuth.charAt(0).toUpperCase()}${openForwardAuth.slice(1)}. So making room opens it too.`,
      todo: closeForwardAuth,
    }));
}

/** Finds outposts whose sessions are elsewhere than in /dev/shm. */
export function sessionsFindings(snapshot: Looked): Finding[] {
  return snapshot.outposts.deployments.flatMap((deployment) => {
    const found = elsewhere(deployment, snapshot);
    if (!found) return [];
    const why = "The cure sweeps /dev/shm alone, so it does not reach them, however empty /dev/shm looks.";
    return [{ check: "sessions", why, ...found }];
  });
}

/** Tells whether making room in /dev/shm helps the outpost: its sessions are there, and removing them opens nothing. */
export const isCurable = (deployment: V1Deployment, snapshot: Looked): boolean =>
  !elsewhere(deployment, snapshot) && !releasesIn(deployment, snapshot)?.isOpen;

/** Returns the releases that the Deployment's image is one of, if its tag tells. */
export const releasesIn = (deployment: V1Deployment, snapshot: Looked): Releases | undefined =>
  releasesOf(imageOf(deployment, snapshot));

/** Judges the pods that a command could be run in, and the Deployment's own spec if there is none. */
function elsewhere(deployment: V1Deployment, snapshot: Looked): Pick<Finding, "subject" | "seen" | "todo"> | undefined {
  const { outposts, insides } = snapshot;
  const asked = outposts.pods.filter(
    ({ name, deployment: of }) => of === nameOf(deployment) && insides[name]?.tmpdir !== undefined,
  );
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

function containerOf(deployment: V1Deployment, { expectation }: Looked): string {
  const wanted = expectation?.outposts.find((each) => each.deployment === nameOf(deployment));
  return outpostContainerIn(deployment, wanted?.container);
}

const imageOf = (deployment: V1Deployment, snapshot: Looked): string =>
  containersNamed(deployment, containerOf(deployment, snapshot))[0]?.image ?? "";
