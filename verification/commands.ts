import { AsyncResource } from "node:async_hooks";
import { createHash } from "node:crypto";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { KubernetesConfig } from "../kubernetes/connection";
import { contextVariable, kubeconfigVariable, type Expectation, type UpdateCheck } from "../settings/expectation";

/** Arguments of {@link verificationCommand} and {@link rolloutCommand}. */
interface CommandArgs {
  expectation: pulumi.Input<Expectation>;
  /** How long to wait for what may still come, in seconds. */
  timeout: pulumi.Input<number>;
  /** The cluster of the `kubernetes:*` stack config. */
  cluster: KubernetesConfig;
}

/** Arguments of {@link verificationCommand}. */
export interface VerificationArgs extends CommandArgs {
  /** Revisions of what was deployed: if one changes, the check is made anew. */
  revisions: pulumi.Input<string>[];
}

/** Arguments of {@link rolloutCommand}. */
export interface RolloutArgs extends CommandArgs {
  /** Whether this update has a rollout to await. */
  rollout: boolean;
}

/**
 * The check at the end of an update: `outpost-shm verify`, which waits for the first sweep and starts a run of the CronJob.
 * Its table is logged when it has passed: what a command prints is gone from the screen with the update's end.
 */
export function verificationCommand(
  name: string,
  { revisions, ...args }: VerificationArgs,
  opts: pulumi.CustomResourceOptions,
): local.Command {
  const log = ({ newOutputs }: pulumi.ResourceHookArgs) => {
    // Secret where the kubeconfig is given as text, of which the table shows nothing.
    const table = pulumi.unsecret(pulumi.output((newOutputs as { stdout: pulumi.Input<string> }).stdout));
    // Not awaited: the resource that it is about has no URN until its hooks have run.
    table.apply((text) => void pulumi.log.info(`\n${text}`, command));
  };
  // Bound, or an inline program's hook, which the SDK calls from elsewhere, would not know its engine.
  const report = new pulumi.ResourceHook(`${name}-report`, AsyncResource.bind(log));
  const hooks = { afterCreate: [report], afterUpdate: [report] };
  const command: local.Command = verifyCommand(name, true, revisions, args, { ...opts, hooks });
  return command;
}

/**
 * Awaits the rollout of the sidecars, for either delivery. The Kubernetes provider would await one of its own too, but to the
 * end even if it can't succeed, and without a word on what to do.
 */
export function rolloutCommand(
  name: string,
  { rollout, ...args }: RolloutArgs,
  opts: pulumi.CustomResourceOptions,
): local.Command {
  // A trigger that is always new, and ignored unless there is something to await.
  const ignoreChanges = rollout ? [] : ["triggers", "stdin"];
  return verifyCommand(name, false, [new Date().toISOString()], args, { ...opts, ignoreChanges });
}

/**
 * If it fails the resource is not created, so the next update checks again. The command line has no path and nothing of
 * this machine in it, so that it is the same wherever the stack is updated from; Pulumi runs it in the project's folder.
 */
function verifyCommand(
  name: string,
  run: boolean,
  triggers: pulumi.Input<string>[],
  { expectation, timeout, cluster }: CommandArgs,
  opts: pulumi.CustomResourceOptions,
): local.Command {
  const { kubeconfig, context } = cluster;
  const check = pulumi
    .all([expectation, timeout])
    .apply(([expectation, wait]): UpdateCheck => ({ expectation, wait, run }));
  const environment = {
    ...(kubeconfig && { [kubeconfigVariable]: isPath(kubeconfig) ? kubeconfig : pulumi.secret(kubeconfig) }),
    ...(context && { [contextVariable]: context }),
  };
  return new local.Command(
    name,
    {
      // No shell, which would outlive the command that Ctrl-C ends.
      interpreter: ["node", "cli/outpost-shm.mjs"],
      create: "verify-update",
      stdin: pulumi.jsonStringify(check),
      environment,
      triggers,
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
