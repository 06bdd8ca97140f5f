import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

/** Returns a short text that changes if any of these values does. */
export function hashOf(...values: pulumi.Input<unknown>[]): pulumi.Output<string> {
  return pulumi.jsonStringify(values).apply((text) => createHash("sha256").update(text).digest("hex").slice(0, 16));
}
