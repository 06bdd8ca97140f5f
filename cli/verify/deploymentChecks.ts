import type { V1Container } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { authentikManager, managedByLabel } from "../../authentik/names";
import { settingsVariable, shmMountPath, shmVolume, sidecarContainer } from "../../cleaner/names";
import { quantityBytes } from "../../kubernetes/quantity";
import type { Deployment, Pod } from "../../kubernetes/types";
import type { ExpectedOutpost } from "../../settings/verifyExpectation";
import { eitherWay, replaceBare } from "../advice";
import { containersNamed, podSpecOf } from "../pods/containers";
import { currentPods, type OutpostPod } from "../pods/outpostPods";
import { checkOf, overPods, type Check, type Round, type Seen } from "./check";

const bringIt = `Deploy again ${eitherWay()}, which brings it; where authentik has recreated the Deployment that is all there is to do.`;

/** A Deployment or a pod that is to have the sidecar, and the remedy if it has not. */
interface Carrier {
  object: Deployment | Pod;
  /** As messages name it. */
  name: string;
  /** Its volume, as messages name it. */
  volume: string;
  todo: string;
}

/**
 * Checks the Deployment, or each of the pods if an admission policy gives them the sidecar: that the volume is there, of the
 * expected size, in memory, and on both containers; or that these have the names by which authentik, the CronJob and the
 * monitoring know them.
 */
export function carrierCheck(
  check: "volume" | "names",
  { kubectl }: Round,
  expected: ExpectedOutpost,
  deployment: Deployment,
  pods: OutpostPod[],
): Check {
  const judge = check === "volume" ? volumeIn : namesIn;
  if (!expected.admission) {
    const name = `Deployment ${deployment.metadata?.name}`;
    const volume = `volume ${shmVolume} of ${name}`;
    return checkOf(
      expected.name,
      check,
      judge(expected, { object: deployment, name, volume, todo: bringIt }, deployment),
    );
  }
  const volume = `its volume ${shmVolume}`;
  return overPods(expected.name, check, currentPods(deployment, pods), ({ name, pod }) =>
    judge(expected, { object: pod, name: "it", volume, todo: replaceBare(kubectl, [name]) }, deployment),
  );
}

function volumeIn(expected: ExpectedOutpost, { object, name, volume, todo }: Carrier): Seen {
  const found = podSpecOf(object).volumes?.find((each) => each.name === shmVolume);
  if (!found) return { wrong: `${name} has no volume ${shmVolume}`, todo };
  const { medium, sizeLimit } = found.emptyDir ?? {};
  if (medium !== "Memory") return { wrong: `${volume} is not in memory`, todo };
  if (expected.shmSize !== undefined && quantityBytes(sizeLimit ?? "") !== quantityBytes(expected.shmSize)) {
    return { wrong: `${volume} is of ${sizeLimit ?? "no size"}, not ${expected.shmSize}`, todo };
  }
  const bare = [expected.container, sidecarContainer].filter(
    (container) => !mountsShm(containersNamed(object, container)[0]),
  );
  if (bare.length > 0) {
    return { wrong: `volume ${shmVolume} is not on ${shmMountPath} of container ${bare.join(" and ")}`, todo };
  }
  return { right: `${shmVolume} of ${sizeLimit}, in memory, on ${shmMountPath} of both containers` };
}

function namesIn(expected: ExpectedOutpost, { object, todo }: Carrier, deployment: Deployment): Seen {
  // In a pod, a mesh may have put its own container first, which authentik never looks at.
  const first = podSpecOf(deployment).containers?.[0]?.name;
  if (first !== expected.container && deployment.metadata?.labels?.[managedByLabel] === authentikManager) {
    return {
      wrong: `the first container is ${first}, not ${expected.container}`,
      todo: "authentik recreates a Deployment whose first container is not its own: remove what was put before it.",
    };
  }
  const sidecars = containersNamed(object, sidecarContainer);
  if (sidecars.length === 0) return { wrong: `there is no container ${sidecarContainer}`, todo };
  if (sidecars.length > 1) return { wrong: `container ${sidecarContainer} is there ${sidecars.length} times`, todo };
  if (!sidecars[0].env?.some(({ name }) => name === settingsVariable)) {
    return {
      wrong: `container ${sidecarContainer} is not this program's`,
      todo: "It was pasted by hand: see docs/delivery.md for how to have it taken over.",
    };
  }
  return { right: `${expected.container}, then ${sidecarContainer}` };
}

const mountsShm = (container: V1Container | undefined): boolean | undefined =>
  container?.volumeMounts?.some(({ name, mountPath }) => name === shmVolume && mountPath === shmMountPath);
