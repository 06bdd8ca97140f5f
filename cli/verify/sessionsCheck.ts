import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { sessionsElsewhere } from "../../authentik/sessionPlace";
import { closeForwardAuth, openForwardAuth, releasesOf } from "../../authentik/versions";
import type { ExpectedOutpost } from "../../settings/expectation";
import { containersNamed } from "../pods/containers";
import type { Inside } from "../pods/inside";
import { nameOf, type OutpostPod } from "../pods/outpostPods";
import { sessionPlaceIn } from "../pods/sessionPlace";
import { checksOf, overPods, type Check, type Seen } from "./check";

/** A pod with what a command in it reports. */
export interface LookedInto {
  pod: OutpostPod;
  inside: Inside;
}

/** Checks that the outpost's sessions are in /dev/shm, and that it is no release on which removing them opens forward auth. */
export function sessionsCheck(expected: ExpectedOutpost, deployment: V1Deployment, pods: LookedInto[]): Check {
  const { name, container } = expected;
  const verdicts = pods.map(({ pod, inside }) => ({
    pod: pod.name,
    seen: sessionsIn(pod.pod, pod.container, inside),
  }));
  if (verdicts.length > 0) return overPods(name, "sessions", verdicts);
  const { pass, fail } = checksOf(name);
  const seen = sessionsIn(deployment, container, {});
  if ("right" in seen) return pass("sessions", `there are no pods; ${seen.right}`);
  return fail("sessions", `Deployment ${nameOf(deployment)}: ${seen.wrong}`, seen.todo);
}

function sessionsIn(object: V1Deployment | OutpostPod["pod"], container: string, inside: Inside): Seen {
  const { image = "" } = containersNamed(object, container)[0] ?? {};
  if (releasesOf(image)?.isOpen) return { wrong: `it runs ${image}, and ${openForwardAuth}`, todo: closeForwardAuth };
  const place = sessionPlaceIn(object, container, inside);
  if ("unknown" in place) {
    const wrong = `the place of its sessions is not known: ${place.unknown}${inside.error ? `; ${inside.error}` : ""}`;
    return { wrong, todo: "Have somebody verify who may exec in the pods." };
  }
  const found = sessionsElsewhere(container, place);
  if (found) return { wrong: found.seen, todo: found.todo };
  const because = inside.tmpdir === undefined ? `: ${place.because}` : " (by its environment)";
  return { right: `sessions are in ${place.dir}${because}` };
}
