import type { V1Container, V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { authentikManager, managedByLabel } from "../../authentik/names";
import { settingsVariable, shmMountPath, shmVolume, sidecarContainer } from "../../cleaner/names";
import { quantityBytes } from "../../kubernetes/quantity";
import type { ExpectedOutpost } from "../../settings/expectation";
import { containersNamed } from "../pods/containers";
import { checksOf, type Check } from "./check";

const bringIt =
  "Run `pulumi up`, which brings it; where authentik has recreated the Deployment that is all there is to do.";

/** Checks that the Deployment has the volume, of the expected size, in memory, and on both containers. */
export function volumeCheck(expected: ExpectedOutpost, deployment: V1Deployment): Check {
  const { pass, fail } = checksOf(expected.name);
  const name = deployment.metadata?.name;
  const volume = deployment.spec?.template.spec?.volumes?.find((each) => each.name === shmVolume);
  if (!volume) return fail("volume", `Deployment ${name} has no volume ${shmVolume}`, bringIt);
  const { medium, sizeLimit } = volume.emptyDir ?? {};
  if (medium !== "Memory") return fail("volume", `volume ${shmVolume} of Deployment ${name} is not in memory`, bringIt);
  if (expected.shmSize !== undefined && quantityBytes(sizeLimit ?? "") !== quantityBytes(expected.shmSize)) {
    return fail(
      "volume",
      `volume ${shmVolume} of Deployment ${name} is of ${sizeLimit ?? "no size"}, not ${expected.shmSize}`,
      bringIt,
    );
  }
  const bare = [expected.container, sidecarContainer].filter(
    (container) => !mountsShm(containersNamed(deployment, container)[0]),
  );
  if (bare.length > 0) {
    return fail("volume", `volume ${shmVolume} is not on ${shmMountPath} of container ${bare.join(" and ")}`, bringIt);
  }
  return pass("volume", `${shmVolume} of ${sizeLimit}, in memory, on ${shmMountPath} of both containers`);
}

/** Checks that containers have the names by which authentik, the CronJob and the monitoring know them. */
export function namesCheck(expected: ExpectedOutpost, deployment: V1Deployment): Check {
  const { pass, fail } = checksOf(expected.name);
  const first = deployment.spec?.template.spec?.containers[0]?.name;
  if (first !== expected.container && deployment.metadata?.labels?.[managedByLabel] === authentikManager) {
    return fail(
      "names",
      `the first container is ${first}, not ${expected.container}`,
      "authentik recreates a Deployment whose first container is not its own: remove what was put before it.",
    );
  }
  const sidecars = containersNamed(deployment, sidecarContainer);
  if (sidecars.length !== 1) {
    const seen =
      sidecars.length === 0
        ? `there is no container ${sidecarContainer}`
        : `container ${sidecarContainer} is there ${sidecars.length} times`;
    return fail("names", seen, bringIt);
  }
  if (!sidecars[0].env?.some(({ name }) => name === settingsVariable)) {
    return fail(
      "names",
      `container ${sidecarContainer} is not this program's`,
      "It was pasted by hand: see docs/delivery.md for how to have it taken over.",
    );
  }
  return pass("names", `${expected.container}, then ${sidecarContainer}`);
}

function mountsShm(container: V1Container | undefined): boolean {
  return (
    container?.volumeMounts?.some(({ name, mountPath }) => name === shmVolume && mountPath === shmMountPath) === true
  );
}
