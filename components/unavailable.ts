import type { Settings } from "./settings";

/** What the settings allow and this version does not build yet, one line each. An error beats a setting without effect. */
export function unavailable({ outposts, monitoring, verify }: Settings): string[] {
  const throughAuthentik = outposts.filter(({ delivery }) => delivery === "authentik").map(({ name }) => name);
  return [
    ...(throughAuthentik.length > 0
      ? [`delivery: authentik is not available yet (${throughAuthentik.join(", ")}); choose deployment`]
      : []),
    ...(monitoring ? ["monitoring: true is not available yet; choose false"] : []),
    ...(verify ? ["verify: true is not available yet; choose false"] : []),
  ];
}
