import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { objectLabels, revisionLabel, settingsConfigMap, settingsFile } from "../cleaner/names";
import type { PodSpecPatch } from "../kubernetes/types";
import type { SweepSettings } from "../settings/settings";
import { sweepVariables } from "../settings/sweepVariables";
import { ownPart } from "../sidecar/jsonPatch/jsonPatch";
import { fragmentRevision } from "../sidecar/revision";
import { appliedByStack, fieldManager } from "./fieldManager";
import { OutpostJsonPatch } from "./outpostJsonPatch/outpostJsonPatch";
import { revisionOf } from "./revision";

/** Arguments of {@link SidecarPatch}. */
export interface SidecarPatchArgs {
  namespace: pulumi.Input<string>;
  /** The outpost's Deployment. */
  deployment: pulumi.Input<string>;
  /** The part of its pod spec that is ours (podFragment.ts). */
  podFragment: pulumi.Input<PodSpecPatch>;
  /** Sweep settings, read by the sidecar at every sweep. A change takes effect within about a minute and restarts nothing. */
  sweep: pulumi.Input<SweepSettings>;
  /** True to take over fields that somebody else owns. */
  takeOver: boolean;
  /** True if the Kubernetes provider awaits the Deployment's rollout. */
  awaitRollout: boolean;
  /** True if an admission policy gives the fragment to the pods. The Deployment then only asks for a rollout, by a label. */
  admission?: boolean;
  /** Set if the patch goes through authentik. By default it goes onto the Deployment itself. */
  authentik?: {
    /** Base URL of authentik, without trailing slash. */
    url: pulumi.Input<string>;
    /** The outpost's name in authentik. */
    outpost: pulumi.Input<string>;
  };
}

/**
 * Delivers the sidecar to authentik's Deployment: by server-side apply on it, which authentik's updates leave alone, by a
 * rollout of pods that an admission policy gives it to, or through the outpost's own JSON patch in authentik. Deleting it gives
 * back exactly what it brought.
 */
export class SidecarPatch extends pulumi.ComponentResource {
  /** The patched Deployment's name. */
  readonly deployment: pulumi.Output<string>;
  /** Changes if anything delivered does, or if it was delivered to another Deployment of that name. */
  readonly revision: pulumi.Output<string>;

  constructor(
    name: string,
    private readonly args: SidecarPatchArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("authentik-outpost-shm:index:SidecarPatch", name, {}, opts);
    const { authentik } = args;
    // The settings come first, since the new pods start with them.
    const child = { parent: this, dependsOn: [this.createSettings(name)] };
    const patch = authentik ? this.createJsonPatch(name, authentik, child) : this.createDeploymentPatch(name, child);
    this.deployment = patch instanceof OutpostJsonPatch ? patch.deployment : patch.metadata.name;
    const identity = patch instanceof OutpostJsonPatch ? patch.id : patch.metadata.uid;
    this.revision = revisionOf(args.podFragment, this.sweepVariables(), identity);
    this.registerOutputs({ deployment: this.deployment });
  }

  private sweepVariables(): pulumi.Output<string[]> {
    return pulumi.output(this.args.sweep).apply(sweepVariables);
  }

  private createSettings(name: string): kubernetes.core.v1.ConfigMap {
    const { namespace, deployment, takeOver } = this.args;
    const metadata = {
      name: pulumi.output(deployment).apply(settingsConfigMap),
      namespace,
      labels: objectLabels,
      annotations: appliedByStack(takeOver),
    };
    const settings = this.sweepVariables().apply((lines) => `${lines.join("\n")}\n`);
    return new kubernetes.core.v1.ConfigMap(name, { metadata, data: { [settingsFile]: settings } }, { parent: this });
  }

  private createDeploymentPatch(name: string, opts: pulumi.CustomResourceOptions): kubernetes.apps.v1.DeploymentPatch {
    const { namespace, deployment, podFragment, takeOver, awaitRollout } = this.args;
    const annotations = { ...appliedByStack(takeOver), ...(!awaitRollout && { "pulumi.com/skipAwait": "true" }) };
    const metadata = { name: deployment, namespace, annotations };
    const template = this.args.admission ? this.askingTemplate() : { spec: podFragment };
    return new kubernetes.apps.v1.DeploymentPatch(name, { metadata, spec: { template } }, opts);
  }

  /** Labels the pods with what they are to have, so that they are replaced if that changes. */
  private askingTemplate() {
    const revision = pulumi
      .output(this.args.podFragment)
      .apply((fragment) => fragmentRevision(fragment as PodSpecPatch));
    return { metadata: { labels: { [revisionLabel]: revision } } };
  }

  private createJsonPatch(
    name: string,
    { url, outpost }: NonNullable<SidecarPatchArgs["authentik"]>,
    opts: pulumi.CustomResourceOptions,
  ): OutpostJsonPatch {
    const { namespace, deployment, podFragment } = this.args;
    const operations = pulumi.output(podFragment).apply((fragment) => ownPart(fragment as PodSpecPatch));
    return new OutpostJsonPatch(
      name,
      { authentikUrl: url, outpost, namespace, deployment, fieldManager: fieldManager(), operations },
      opts,
    );
  }
}
