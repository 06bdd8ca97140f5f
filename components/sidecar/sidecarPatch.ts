import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { PodSpecPatch } from "../kubernetesTypes";
import { objectLabels } from "../objectLabels";
import type { SweepSettings } from "../settings";
import { sweepVariables } from "../sweepSettings";
import { settingsConfigMap, settingsFile } from "./podFragment";

/** Arguments of {@link SidecarPatch}. */
export interface SidecarPatchArgs {
  namespace: pulumi.Input<string>;
  /** The outpost's Deployment. */
  deployment: pulumi.Input<string>;
  /** The part of its pod spec that is ours (podFragment.ts). */
  podFragment: pulumi.Input<PodSpecPatch>;
  /** Read by the sidecar at every sweep: a change takes effect within about a minute and restarts nothing. */
  sweep: pulumi.Input<SweepSettings>;
  /** Owner of the patched fields, as in `kubectl get --show-managed-fields`. */
  fieldManager: pulumi.Input<string>;
}

/**
 * Delivers the sidecar by server-side apply on authentik's own Deployment. authentik's updates leave it alone, and deleting
 * it gives back exactly the fields it owns.
 */
export class SidecarPatch extends pulumi.ComponentResource {
  /** The patched Deployment's name. */
  readonly deployment: pulumi.Output<string>;

  constructor(name: string, args: SidecarPatchArgs, opts?: pulumi.ComponentResourceOptions) {
    super("authentik-outpost-shm:index:SidecarPatch", name, {}, opts);
    const child = { parent: this };

    const settings = new kubernetes.core.v1.ConfigMap(
      name,
      {
        metadata: {
          name: pulumi.output(args.deployment).apply(settingsConfigMap),
          namespace: args.namespace,
          labels: objectLabels,
        },
        data: { [settingsFile]: pulumi.output(args.sweep).apply((sweep) => sweepVariables(sweep).join("\n") + "\n") },
      },
      child,
    );
    const patch = new kubernetes.apps.v1.DeploymentPatch(
      name,
      {
        metadata: {
          name: args.deployment,
          namespace: args.namespace,
          annotations: {
            // A name of its own in managedFields, the same again should the stack's state be lost.
            "pulumi.com/patchFieldManager": args.fieldManager,
            // An edit by hand of our fields is mended, not a conflict. Others' fields are kept safe by the look before.
            "pulumi.com/patchForce": "true",
          },
        },
        spec: { template: { spec: args.podFragment } },
      },
      // The settings first: the new pods start with them.
      { ...child, dependsOn: [settings] },
    );

    this.deployment = patch.metadata.name;
    this.registerOutputs({ deployment: this.deployment });
  }
}
