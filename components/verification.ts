import { createHash } from "node:crypto";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { KubernetesConfig } from "./cluster/connection";
import { contextVariable, kubeconfigVariable, type Expectation } from "./expectation";
import { formatDuration } from "./settings/duration";

/** Arguments of {@link verificationCommand}. */
export interface VerificationArgs {
  expectation: pulumi.Input<Expectation>;
  /** How long to wait for what may still come, in seconds. */
  timeout: pulumi.Input<number>;
  /** The cluster of the `kubernetes:*` stack config. */
  cluster: KubernetesConfig;
  /** Revisions of what was deployed: where one changes, the check is made anew. */
  revisions: pulumi.Input<string>[];
}

/**
 * The check at the end of an update: `outpost-shm verify`, which waits for rollout and first sweep, and starts a run of the
 * CronJob. Where it fails the resource is not created, so the next update checks again.
 *
 * The command line has no path and nothing of this machine in it, so that it is the same wherever the stack is updated from; Pulumi
 * runs it in the project's folder.
 */
export function verificationCommand(
  name: string,
  { expectation, timeout, cluster, revisions }: VerificationArgs,
  opts: pulumi.CustomResourceOptions,
): local.Command {
  const { kubeconfig, context } = cluster;
  const wait = pulumi.output(timeout).apply(formatDuration);
  const environment = {
    ...(kubeconfig && { [kubeconfigVariable]: isPath(kubeconfig) ? kubeconfig : pulumi.secret(kubeconfig) }),
    ...(context && { [contextVariable]: context }),
  };
  return new local.Command(
    name,
    {
      create: pulumi.interpolate`node cli/outpost-shm.mjs verify --expectation-file - --run --wait ${wait}`,
      stdin: pulumi.jsonStringify(expectation),
      environment,
      triggers: revisions,
    },
    opts,
  );
}

/** A kubeconfig's text has credentials in it, its path has none. */
const isPath = (kubeconfig: string): boolean => !/[\n{]/.test(kubeconfig);

/** A short text that differs where any of these values does. */
export function revisionOf(...values: pulumi.Input<unknown>[]): pulumi.Output<string> {
  return pulumi.jsonStringify(values).apply((text) => createHash("sha256").update(text).digest("hex").slice(0, 16));
}
