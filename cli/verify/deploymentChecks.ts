import type { V1Container, V1Deployment, V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { authentikManager, managedByLabel } from "../../authentik/names";
import { settingsVariable, shmMountPath, shmVolume, sidecarContainer } from "../../cleaner/names";
import { quantityBytes } from "../../kubernetes/quantity";
import type { ExpectedOutpost } from "../../settings/expectation";
import { replaceBare } from "../pods/solution";
import { containersNamed, podSpecOf } from "../pods/containers";
import { currentPods } from "../pods/currentPods";
import type { OutpostPod } from "../pods/outpostPods";
import { checksOf, overPods, type Check, type Seen } from "./check";

const bringIt =
  "Run `pulumi up`, which brings it; where authentik has recreated the Deployment that is all there is to do.";

/** A Deployment or a pod that is to have the sidecar, and the remedy if it has not. */
interface Carrier {
  object: V1Deployment | V1Pod;
  /** As messages name it. */
  name: string;
  /** Names a thing of its own in messages. */
  its: (thing: string) => string;
  todo: string;
}

type Judge = (expected: ExpectedOutpost, carrier: Carrier) => Seen;

/** Judges the Deployment, or each of the pods if an admission policy gives them the sidecar. */
function checkCarriers(
  check: string,
  judge: Judge,
  expected: ExpectedOutpost,
  deployment: V1Deployment,
  { kubectl, pods }: { kubectl: string; pods: OutpostPod[] },
): Check {
  if (expected.admission) {
    const verdicts = currentPods(deployment, pods).map(({ name, pod }) => ({
      pod: name,
      seen: judge(expected, {
        object: pod,
        name: "it",
        its: (thing) => `its ${thing}`,
        todo: replaceBare(kubectl, name),
      }),
    }));
    return overPods(expected.name, check, verdicts);
  }
  const { pass, fail } = checksOf(expected.name);
  const name = `Deployment ${deployment.metadata?.name}`;
  const its = (thing: string) => `${thing} of ${name}`;
  const seen = judge(expected, { object: deployment, name, its, todo: bringIt });
  return "wrong" in seen ? fail(check, seen.wrong, seen.todo) : pass(check, seen.right);
}

type CarrierCheck = (
  expected: ExpectedOutpost,
  deployment: V1Deployment,
  pods: { kubectl: string; pods: OutpostPod[] },
) => Check;

/** Checks that the volume is there, of the expected size, in memory, and on both containers. */
export const volumeCheck: CarrierCheck = (...of) => checkCarriers("volume", volumeIn, ...of);

/** Checks that containers have the names by which authentik, the CronJob and the monitoring know them. */
export const namesCheck: CarrierCheck = (...of) => checkCarriers("names", namesIn, ...of);

function volumeIn(expected: ExpectedOutpost, { object, name, its, todo }: Carrier): Seen {
  const volume = podSpecOf(object).volumes?.find((each) => each.name === shmVolume);
  if (!volume) return { wrong: `${name} has no volume ${shmVolume}`, todo };
  const { medium, sizeLimit } = volume.emptyDir ?? {};
  const itsVolume = its(`volume ${shmVolume}`);
  if (medium !== "Memory") return { wrong: `${itsVolume} is not in memory`, todo };
  if (expected.shmSize !== undefined && quantityBytes(sizeLimit ?? "") !== quantityBytes(expected.shmSize)) {
    return { wrong: `${itsVolume} is of ${sizeLimit ?? "no size"}, not ${expected.shmSize}`, todo };
  }
  const bare = [expected.container, sidecarContainer].filter(
    (container) => !mountsShm(containersNamed(object, container)[0]),
  );
  if (bare.length > 0) {
    return { wrong: `volume ${shmVolume} is not on ${shmMountPath} of container ${bare.join(" and ")}`, todo };
  }
  return { right: `${shmVolume} of ${sizeLimit}, in memory, on ${shmMountPath} of both containers` };
}

function namesIn(expected: ExpectedOutpost, { object, todo }: Carrier): Seen {
  const first = podSpecOf(object).containers?.[0]?.name;
  if (first !== expected.container && object.metadata?.labels?.[managedByLabel] === authentikManager) {
    return {
      wrong: `the first container is ${first}, not ${expected.container}`,
      todo: "authentik recreates a Deployment whose first container is not its own: remove what was put before it.",
    };
  }
  const sidecars = containersNamed(object, sidecarContainer);
  if (sidecars.length !== 1) {
    const wrong =
      sidecars.length === 0
        ? `there is no container ${sidecarContainer}`
        : `container ${sidecarContainer} is there ${sidecars.length} times`;
    return { wrong, todo };
  }
  if (!sidecars[0].env?.some(({ name }) => name === settingsVariable)) {
    return {
      wrong: `container ${sidecarContainer} is not this program's`,
      todo: "It was pasted by hand: see docs/delivery.md for how to have it taken over.",
    };
  }
  return { right: `${expected.container}, then ${sidecarContainer}` };
}

function mountsShm(container: V1Container | undefined): boolean {
  return (
    container?.volumeMounts?.some(({ name, mountPath }) => name === shmVolume && mountPath === shmMountPath) === true
  );
}
