import { sidecarContainer } from "../../cleaner/names";
import { lacksNativeSidecars } from "../../kubernetes/nativeSidecars";
import type { Deployment } from "../../kubernetes/types";
import { eitherWay } from "../advice";
import type { Cause } from "./finding";
import type { Snapshot } from "./snapshot";

/** Finds native sidecars on a cluster that has none. What authentik's releases lack, other checks find. */
export function sidecarTooNew({ spec }: Deployment, { version = "" }: Snapshot): Cause | undefined {
  const isNative = spec?.template.spec?.initContainers?.some(({ name }) => name === sidecarContainer);
  if (!isNative || !lacksNativeSidecars(version)) return undefined;
  return {
    seen: `the cluster is ${version}, from before 1.29, and the sidecar is a native one`,
    why: "Such a cluster waits for an init container to end, and the sidecar never does: the outpost does not start.",
    todo: `Set \`solution\` to cronjob, and deploy again ${eitherWay()}.`,
  };
}
