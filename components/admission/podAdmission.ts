import { local } from "@pulumi/command";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { objectLabels } from "../../cleaner/names";
import type { PodFragment } from "../../podPatch/podFragment";
import { childOf } from "../childOf";
import { appliedByStack, fieldManager, type Ownership } from "../fieldManager";
import { hashOf } from "../hashOf";
import { clusterObjectName } from "./objectName";
import { bindingSelector, policySpec, type AdmittedOutpost } from "./policySpec";

const { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } = kubernetes.admissionregistration.v1;

export interface PodAdmissionArgs extends Ownership {
  outposts: (Omit<AdmittedOutpost, "fragment"> & { fragment: pulumi.Output<PodFragment> })[];
}

/** Each API server looks for changed policies every second, and nothing tells when all of them have. In milliseconds. */
const untilInForce = 3_000;
/** Command that waits, on every system. */
const pause = { interpreter: ["node", "-e"], command: `setTimeout(() => {}, ${untilInForce})` };

/**
 * The policy that gives the sidecar to each pod of the outposts as it is created. Pods get it by a rollout that their template's
 * label asks for, and the order of these resources makes that one rollout, both ways. The binding of labelled pods is in force
 * before the rollout. The binding of all others, for Deployments that are created anew, comes after it. In a removal it goes
 * first, so that the pods of the rollout that takes the label away are bare.
 */
export class PodAdmission extends pulumi.ComponentResource {
  /** The policy is in force for labelled pods once this is created. */
  readonly inForce: pulumi.Resource;
  private readonly policy: kubernetes.admissionregistration.v1.MutatingAdmissionPolicy;

  constructor(
    private readonly name: string,
    private readonly args: PodAdmissionArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("authentik-outpost-shm:index:PodAdmission", name, {}, opts);
    const spec = pulumi
      .all([args.namespace, pulumi.output(args.outposts)])
      .apply(([namespace, outposts]) => policySpec(namespace, outposts));
    this.policy = new MutatingAdmissionPolicy(name, { metadata: this.metadata(""), spec }, childOf(this));
    const labelled = this.createBinding("rollout", true, []);
    const { interpreter, command: create } = pause;
    this.inForce = new local.Command(
      `${name}-in-force`,
      // Made anew, the same policy has to come into force too.
      { interpreter, create, triggers: [hashOf(spec, this.policy.metadata.uid, labelled.metadata.uid)] },
      { parent: this, dependsOn: labelled },
    );
    this.registerOutputs({});
  }

  /** Creates the binding of all pods whose template has no label, once these patches have labelled the others. */
  admitUnlabelled(patches: pulumi.Resource[]): void {
    const { interpreter, command } = pause;
    const ended = new local.Command(
      `${this.name}-ended`,
      { interpreter, delete: command },
      { parent: this, dependsOn: patches },
    );
    this.createBinding("recreated", false, [ended]);
  }

  private createBinding(which: string, isAsked: boolean, dependsOn: pulumi.Resource[]) {
    return new MutatingAdmissionPolicyBinding(
      `${this.name}-${which}`,
      {
        metadata: this.metadata(`-${which}`),
        spec: { policyName: this.policy.metadata.name, matchResources: bindingSelector(isAsked) },
      },
      childOf(this, dependsOn),
    );
  }

  private metadata(suffix: string) {
    const owner = fieldManager();
    const description = `Gives the sidecar to authentik's outposts as their pods are created. Made by Pulumi stack ${pulumi.getStack()} (authentik-outpost-shm); edits are reverted.`;
    return {
      name: pulumi
        .output(this.args.namespace)
        .apply((namespace) => clusterObjectName(`authentik-outpost-shm${suffix}`, owner, namespace)),
      labels: objectLabels,
      annotations: { ...appliedByStack(this.args.takeOver), "kubernetes.io/description": description },
    };
  }
}
