import { resolveSettings } from "../../settings/resolve";
import type { OutpostSettings } from "../../settings/types";

/** Returns the settings of one outpost called "My Outpost", with defaults for all but the given keys. */
export function outpostSettings(overrides: Record<string, unknown> = {}): OutpostSettings {
  return resolveSettings({ namespace: "authentik", outposts: [{ name: "My Outpost", ...overrides }] }).outposts[0];
}
