import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { objectLabels, cronJobName } from "../../cleaner/names";
import { execRules } from "../../kubernetes/execRole";
import { childOf } from "../childOf";
import { appliedByStack, ownMetadata, type Ownership } from "../fieldManager";
import { hashOf } from "../hashOf";
import { execPolicySpec } from "./execPolicy";
import { cronJobSpec, type ScheduledSettings, type SweptOutpost } from "./cronJobSpec";

export interface SweepCronJobArgs extends Ownership {
  settings: pulumi.Input<ScheduledSettings>;
  outposts: pulumi.Input<pulumi.Input<SweptOutpost>[]>;
  /** Names of the outposts' Deployments. */
  deployments: string[];
  /** True if the cluster is to refuse the account every command but the sweep. */
  execPolicy: boolean;
}

/** The fallback: a CronJob that sweeps /dev/shm of every running outpost pod by exec, with an account that may do just that. */
export class SweepCronJob extends pulumi.ComponentResource {
  readonly name: pulumi.Output<string>;
  /** Changes if the CronJob's spec does. */
  readonly revision: pulumi.Output<string>;

  constructor(name: string, args: SweepCronJobArgs, opts?: pulumi.ComponentResourceOptions) {
    super("authentik-outpost-shm:index:SweepCronJob", name, {}, opts);
    const child = childOf(this);
    const metadata = ownMetadata(cronJobName, args);
    const account = new kubernetes.core.v1.ServiceAccount(name, { metadata }, child);
    const role = new kubernetes.rbac.v1.Role(name, { metadata, rules: execRules(args.deployments) }, child);
    const policies = args.execPolicy ? this.createExecPolicy(name, args, account.metadata.name) : [];
    const binding = new kubernetes.rbac.v1.RoleBinding(
      name,
      {
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: account.metadata.name, namespace: args.namespace }],
      },
      // At no time may the account exec what the policy would refuse.
      childOf(this, policies),
    );
    const spec = pulumi
      .all([args.namespace, args.settings, args.outposts, account.metadata.name])
      .apply(([namespace, settings, outposts, serviceAccountName]) =>
        cronJobSpec({ ...settings, namespace, outposts, serviceAccountName }),
      );
    // After the binding, so that not even the first run lacks its rights.
    const cronJob = new kubernetes.batch.v1.CronJob(name, { metadata, spec }, childOf(this, [binding]));

    this.name = cronJob.metadata.name;
    this.revision = hashOf(spec);
    this.registerOutputs({ name: this.name });
  }

  /** Creates the policy and its binding. Both are cluster-wide, so their name has the namespace in it. */
  private createExecPolicy(
    name: string,
    { namespace, outposts, takeOver }: SweepCronJobArgs,
    account: pulumi.Output<string>,
  ): pulumi.Resource[] {
    const child = childOf(this);
    const metadata = {
      name: pulumi.interpolate`${cronJobName}-${namespace}`,
      labels: objectLabels,
      annotations: appliedByStack(takeOver),
    };
    const spec = pulumi
      .all([namespace, outposts, account])
      .apply(([namespace, outposts, serviceAccountName]) =>
        execPolicySpec({ namespace, outposts, serviceAccountName }),
      );
    const admission = kubernetes.admissionregistration.v1;
    const policy = new admission.ValidatingAdmissionPolicy(name, { metadata, spec }, child);
    const binding = new admission.ValidatingAdmissionPolicyBinding(
      name,
      { metadata, spec: { policyName: policy.metadata.name, validationActions: ["Deny"] } },
      child,
    );
    return [policy, binding];
  }
}
