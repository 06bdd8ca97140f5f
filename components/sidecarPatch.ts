import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { revisionLabel, settingsConfigMap, settingsFile } from "../cleaner/names";
import type { OutpostSettings } from "../settings/types";
import { sweepKeys, sweepVariables } from "../settings/sweepVariables";
import { ownPart } from "../podPatch/jsonPatch/jsonPatch";
import { fragmentKeys, podFragment, type PodFragment } from "../podPatch/podFragment";
import { fragmentRevision } from "../podPatch/revision";
import { childOf } from "./childOf";
import { appliedByStack, fieldManager, ownMetadata, type Ownership } from "./fieldManager";
import { OutpostJsonPatch } from "./outpostJsonPatch/outpostJsonPatch";
import { only, type Resolved } from "./resolveArgs";
import { hashOf } from "./hashOf";

export interface SidecarPatchArgs extends Ownership {
  outpost: Resolved<OutpostSettings>;
  /** Base URL of authentik, without trailing slash. Needed with delivery authentik. */
  authentikUrl: pulumi.Input<string | undefined>;
  awaitRollout: boolean;
}

/**
 * Delivers the sidecar to authentik's Deployment: by server-side apply on it, which authentik's updates leave alone, by a
 * rollout of pods that an admission policy gives it to, or through the outpost's own JSON patch in authentik. Deleting it gives
 * back exactly what it brought.
 */
export class SidecarPatch extends pulumi.ComponentResource {
  readonly deployment: pulumi.Output<string>;
  /** Changes if anything delivered does, or if it was delivered to another Deployment of that name. */
  readonly revision: pulumi.Output<string>;

  constructor(
    name: string,
    private readonly args: SidecarPatchArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("authentik-outpost-shm:index:SidecarPatch", name, {}, opts);
    const fragment = only(args.outpost, fragmentKeys).apply(podFragment);
    const variables = only(args.outpost, sweepKeys).apply(sweepVariables);
    // The settings come first, since the new pods start with them.
    const child = childOf(this, [this.createSettings(name, variables)]);
    const patch =
      args.outpost.delivery === "authentik"
        ? this.createJsonPatch(name, fragment, child)
        : this.createDeploymentPatch(name, fragment, child);
    this.deployment = patch instanceof OutpostJsonPatch ? patch.deployment : patch.metadata.name;
    const identity = patch instanceof OutpostJsonPatch ? patch.id : patch.metadata.uid;
    this.revision = hashOf(fragment, variables, identity);
    this.registerOutputs({ deployment: this.deployment });
  }

  /** Creates what the sidecar reads at every sweep. A change takes effect within about a minute and restarts nothing. */
  private createSettings(name: string, variables: pulumi.Output<string[]>): kubernetes.core.v1.ConfigMap {
    const metadata = ownMetadata(settingsConfigMap(this.args.outpost.deployment), this.args);
    const settings = variables.apply((lines) => `${lines.join("\n")}\n`);
    return new kubernetes.core.v1.ConfigMap(name, { metadata, data: { [settingsFile]: settings } }, childOf(this));
  }

  private createDeploymentPatch(
    name: string,
    fragment: pulumi.Output<PodFragment>,
    opts: pulumi.CustomResourceOptions,
  ): kubernetes.apps.v1.DeploymentPatch {
    const { namespace, outpost, takeOver, awaitRollout } = this.args;
    const annotations = { ...appliedByStack(takeOver), ...(!awaitRollout && { "pulumi.com/skipAwait": "true" }) };
    const metadata = { name: outpost.deployment, namespace, annotations };
    // If an admission policy gives pods the sidecar, the Deployment only has them replaced when that changes, by a label.
    const template =
      outpost.delivery === "admission"
        ? { metadata: { labels: { [revisionLabel]: fragment.apply(fragmentRevision) } } }
        : { spec: fragment };
    return new kubernetes.apps.v1.DeploymentPatch(name, { metadata, spec: { template } }, opts);
  }

  private createJsonPatch(
    name: string,
    fragment: pulumi.Output<PodFragment>,
    opts: pulumi.CustomResourceOptions,
  ): OutpostJsonPatch {
    const { namespace, outpost, authentikUrl } = this.args;
    const inputs = {
      authentikUrl: pulumi.output(authentikUrl).apply((url) => url ?? ""),
      outpost: outpost.name,
      namespace,
      deployment: outpost.deployment,
      fieldManager: fieldManager(),
      operations: fragment.apply(ownPart),
    };
    return new OutpostJsonPatch(name, inputs, opts);
  }
}
