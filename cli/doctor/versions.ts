import { sidecarContainer } from "../../cleaner/names";
import { lacksNativeSidecars } from "../../kubernetes/nativeSidecars";
import { nameOf } from "../pods/outpostPods";
import type { Finding } from "./finding";
import type { Snapshot } from "./snapshot";

/** Finds native sidecars on a cluster that has none. What authentik's releases lack, other checks find. */
export function versionFindings({ outposts, version = "" }: Snapshot): Finding[] {
  if (!lacksNativeSidecars(version)) return [];
  return outposts.deployments
    .filter(({ spec }) => spec?.template.spec?.initContainers?.some(({ name }) => name === sidecarContainer))
    .map((deployment) => ({
      check: "versions",
      subject: `Deployment/${nameOf(deployment)}`,
      seen: `the cluster is ${version}, from before 1.29, and the sidecar is a native one`,
      why: "Such a cluster waits for an init container to end, and the sidecar never does: the outpost does not start.",
      todo: "Run `pulumi config set solution cronjob`, then `pulumi up`.",
    }));
}
