import { AsyncResource } from "node:async_hooks";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { OutpostShmCleanup } from "../components/outpostShmCleanup";
import { isPath } from "../kubernetes/kubeconfig";
import type { Preflight } from "../preflight/preflight";
import {
  clusterVariable,
  contextVariable,
  expectationOf,
  kubeconfigVariable,
  rolloutExpectation,
  type Expectation,
  type UpdateCheck,
} from "../settings/verifyExpectation";
import { hasCronJob, hasSidecar, type Settings } from "../settings/types";
import { kubernetesConfig } from "../settings/stackConfig";
import { seconds } from "../settings/values/duration";

type Rollouts = Pick<Preflight, "restarts" | "underWay">;

/**
 * Ends the update by awaiting the rollout of the sidecars, for every delivery, and with `verify` by checking that the cure took.
 * Each is a resource: if it fails it is not created, so the next update checks again.
 */
export function verifyAfter(name: string, cleanup: OutpostShmCleanup, settings: Settings, found: Rollouts): void {
  const rollout = awaitRollout(`${name}-rollout`, cleanup, settings, found);
  if (settings.verify) verifyCure(`${name}-verify`, cleanup, settings, rollout);
}

/**
 * Awaits the rollout of the sidecars. The Kubernetes provider could do so too, but to the end even if it can't succeed, and
 * without any advice. Deployments that have no rollout to await are not checked, unless the stack has never done so.
 */
function awaitRollout(
  name: string,
  cleanup: OutpostShmCleanup,
  settings: Settings,
  { restarts, underWay }: Rollouts,
): local.Command[] {
  const { sidecars } = cleanup.deployed;
  if (sidecars.length === 0) return [];
  // A rollout that is under way already is not this program's change, so a preview does not mention it.
  const rollouts = [...restarts, ...(pulumi.runtime.isDryRun() ? [] : underWay)];
  const patched = settings.outposts.filter(hasSidecar);
  const awaited = patched.filter(({ deployment }) => rollouts.includes(deployment));
  const outposts = awaited.length > 0 ? awaited : patched;
  const check = { expectation: rolloutExpectation({ ...settings, outposts }), run: false };
  // A trigger that is always new, and ignored unless there is something to await.
  const ignoreChanges = awaited.length > 0 ? [] : ["triggers", "stdin", "environment"];
  const opts = { parent: cleanup, dependsOn: sidecars, ignoreChanges };
  return [checkCommand(name, settings, check, [new Date().toISOString()], opts)];
}

/**
 * Runs `outpost-shm verify`, which waits for the first sweep and starts a run of the CronJob. Its table is logged once it has
 * passed, since the output of a command disappears from the screen when the update ends.
 */
function verifyCure(name: string, cleanup: OutpostShmCleanup, settings: Settings, rollout: local.Command[]): void {
  const deployed = [...cleanup.deployed.sidecars, ...cleanup.deployed.cronJobs];
  if (deployed.length === 0) return; // with nothing deployed there is nothing to verify
  const log = ({ newOutputs }: pulumi.ResourceHookArgs) => {
    // Secret if the kubeconfig is given as text, but the table shows nothing of it.
    const table = pulumi.unsecret(pulumi.output((newOutputs as { stdout: pulumi.Input<string> }).stdout));
    // Not awaited: the resource that the message is about has no URN until its hooks have run.
    table.apply((text) => void pulumi.log.info(`\n${text}`, command));
  };
  // The SDK calls the hook from elsewhere. Without this binding the hook of an inline program would not know its engine.
  const report = new pulumi.ResourceHook(`${name}-report`, AsyncResource.bind(log));
  const hooks = { afterCreate: [report], afterUpdate: [report] };
  const revisions = deployed.map(({ revision }) => revision);
  const opts = { parent: cleanup, dependsOn: [...deployed, ...rollout], hooks };
  const check = { expectation: expectationOf(settings), run: !settings.suspend && settings.outposts.some(hasCronJob) };
  const command: local.Command = checkCommand(name, settings, check, revisions, opts);
}

/**
 * Makes the command. Its command line has no path and nothing of this machine in it, so that it is the same wherever the stack
 * is updated from. Pulumi runs it in the project's folder.
 */
function checkCommand(
  name: string,
  { verifyTimeout }: Settings,
  { expectation, run }: { expectation: Expectation; run: boolean },
  triggers: pulumi.Input<string>[],
  opts: pulumi.CustomResourceOptions,
): local.Command {
  const { kubeconfig, context, cluster } = kubernetesConfig();
  const check: UpdateCheck = { expectation, wait: seconds(verifyTimeout), run };
  const environment = {
    ...(kubeconfig && { [kubeconfigVariable]: isPath(kubeconfig) ? kubeconfig : pulumi.secret(kubeconfig) }),
    ...(context && { [contextVariable]: context }),
    ...(cluster && { [clusterVariable]: cluster }),
  };
  return new local.Command(
    name,
    {
      // No shell, since it would outlive the command that Ctrl-C ends.
      interpreter: ["node", "cli/outpost-shm.mjs"],
      create: "verify-update",
      stdin: JSON.stringify(check),
      environment,
      triggers,
    },
    opts,
  );
}
