import { createHash } from "node:crypto";
import type { PodSpecPatch } from "../kubernetes/types";

/** Returns a short text that changes if the fragment does, and so if a pod has to be replaced. A label may have it as its value. */
export const fragmentRevision = (fragment: PodSpecPatch): string =>
  createHash("sha256").update(JSON.stringify(fragment)).digest("hex").slice(0, 16);
