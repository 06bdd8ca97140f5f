import type { Settings } from "./settings";

/** What the settings allow and this version does not build yet, one line each. An error beats a setting without effect. */
export function unavailable({ monitoring }: Settings): string[] {
  return monitoring ? ["monitoring: true is not available yet; choose false"] : [];
}
