import type { AlertSettings } from "../../../components/monitoring/alerts";
import { resolveSettings } from "../../../settings/resolve";
import { hasCronJob, hasSidecar } from "../../../settings/types";

/** Returns the settings of the alerts for a stack config. */
export function settingsOf(raw: Record<string, unknown> = {}): AlertSettings {
  const settings = resolveSettings({ namespace: "authentik", outposts: ["one"], monitoring: true, ...raw });
  const { namespace, outposts } = settings;
  const sidecars = outposts.filter(hasSidecar);
  return {
    ...{ namespace, sidecars, settings },
    ...(outposts.some(hasCronJob) && { cronJob: "authentik-outpost-shm-cleanup" }),
  };
}
