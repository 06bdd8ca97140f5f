import type { OutpostConfig } from "../../authentik/client";
import { authentikManager } from "../../authentik/names";
import { unlessInvalid } from "../../authentik/operations";
import { deploymentOperations } from "../../authentik/outpostPatches";
import { sidecarContainer } from "../../cleaner/names";
import { containerPath, ownersOf } from "../../kubernetes/fieldOwners";
import type { Deployment } from "../../kubernetes/types";
import { readsOurSettings } from "./jsonPatch";

/**
 * Tells whether authentik has put our sidecar on the Deployment by a patch that its config no longer has. False if the
 * operations are no patch, which others report.
 */
export function hasVanished(config: OutpostConfig, live: Deployment): boolean {
  const isThere = () => deploymentOperations(config).some(readsOurSettings);
  return isByAuthentik(live) && !unlessInvalid(isThere, () => true);
}

/** Tells whether the Deployment has our sidecar by authentik's own writes. */
export function isByAuthentik({ metadata, spec }: Deployment): boolean {
  const lists = ["initContainers", "containers"] as const;
  return lists.some(
    (list) =>
      (spec?.template.spec?.[list] ?? []).some((container) => readsOurSettings({ value: container })) &&
      ownersOf(containerPath(list, sidecarContainer), metadata?.managedFields ?? []).includes(authentikManager),
  );
}
