import type { Deployment } from "./types";

/** Returns the selector of a Deployment's own pods, as kubectl and the API take it. */
export const selectorOf = ({ spec }: Deployment): string =>
  Object.entries(spec?.selector.matchLabels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
