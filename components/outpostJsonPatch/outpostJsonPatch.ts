import * as pulumi from "@pulumi/pulumi";
import type { JsonPatchOperation } from "../../authentik/operations";
import { outpostJsonPatchProvider } from "./provider";
import type { OutpostJsonPatchInputs } from "./state";

export type OutpostJsonPatchArgs = { [K in keyof OutpostJsonPatchInputs]: pulumi.Input<OutpostJsonPatchInputs[K]> };

/**
 * Our part of an outpost's `kubernetes_json_patches.deployment` in authentik, among everything else there. An update is done
 * when authentik has applied it to the Deployment. Deleting it removes our part from the config and from the Deployment.
 *
 * The API token is the stack's config key `authentik-outpost-shm:authentikToken`; the cluster is that of `kubernetes:*`.
 */
export class OutpostJsonPatch extends pulumi.dynamic.Resource {
  declare readonly deployment: pulumi.Output<string>;
  /** Our operations as they are in authentik. */
  declare readonly operations: pulumi.Output<JsonPatchOperation[]>;

  constructor(name: string, args: OutpostJsonPatchArgs, opts?: pulumi.CustomResourceOptions) {
    super(provider, name, args, opts, "authentik-outpost-shm", "OutpostJsonPatch");
  }
}

/** Shared by all, since Pulumi serialises each provider object anew. */
const provider = outpostJsonPatchProvider();
