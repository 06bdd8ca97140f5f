import { createHash } from "node:crypto";
import { revisionLabel } from "../cleaner/names";
import type { Deployment } from "../kubernetes/types";
import type { PodFragment } from "./podFragment";

/** Returns a short text that changes if the fragment does, and so if a pod has to be replaced. A label may have it as its value. */
export const fragmentRevision = (fragment: PodFragment): string =>
  createHash("sha256").update(JSON.stringify(fragment)).digest("hex").slice(0, 16);

/** Tells whether the Deployment's pods ask an admission policy for the sidecar. */
export const asksForSidecar = ({ spec }: Deployment): boolean =>
  spec?.template.metadata?.labels?.[revisionLabel] !== undefined;
