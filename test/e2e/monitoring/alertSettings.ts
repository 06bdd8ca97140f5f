import assert from "node:assert/strict";
import { hasCronJob, hasSidecar } from "../../../settings/expectation";
import type { AlertSettings } from "../../../components/monitoring/alerts";
import { resolveSettings } from "../../../settings/settings";

/** Settings of the alerts for a stack config. */
export function settingsOf(raw: Record<string, unknown> = {}): AlertSettings {
  const settings = resolveSettings({ namespace: "authentik", outposts: ["one"], monitoring: true, ...raw });
  const { monitoring, namespace, outposts } = settings;
  assert.ok(monitoring);
  const sidecars = outposts.filter(hasSidecar);
  const { thresholds, runbookUrl } = monitoring;
  return {
    ...{ namespace, sidecars, thresholds, runbookUrl },
    ...(outposts.some(hasCronJob) && { cronJob: "authentik-outpost-shm-cleanup" }),
  };
}
