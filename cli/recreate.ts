import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { authentikManager, outpostSelector } from "../authentik/names";
import { formatDuration } from "../settings/values/duration";
import { confirmed } from "./confirm";
import { exitCodes, UsageError } from "./errors";
import type { Io } from "./io";
import { findAuthentik } from "./pods/authentikPods";
import { hasSidecar } from "./pods/containers";
import { findOutposts, nameOf, outpostOf, type OutpostPod } from "./pods/outpostPods";
import { podFacts } from "./pods/podFacts";
import { comeback, type Comeback } from "./recreate/comeback";
import { doubt, whyNotRecreated } from "./recreate/guard";
import { saveManifest } from "./recreate/manifest";
import { isBareAfterwards, planOf } from "./recreate/plan";
import type { Target } from "./target";

export interface RecreateOptions {
  /** The outpost, by its name, slug or Deployment. */
  outpost: string;
  dryRun?: boolean;
  yes?: boolean;
  /** Seconds that authentik has to bring it back. */
  timeout: number;
  /** File to save the manifest to. Default: one named after the Deployment and the time, in the current folder. */
  manifest?: string;
  /** Namespace that authentik itself runs in. Default: that of the outpost. */
  authentikNamespace?: string;
  /** True to end with `pulumi up --refresh` of the stack. */
  up?: boolean;
  stack?: string;
  /** Also used for that update. */
  kubeconfig?: string;
}

/** Makes authentik create an outpost's Deployment again: deletes it and waits until it is back. @returns the exit status */
export async function recreate(target: Target, options: RecreateOptions, io: Io): Promise<number> {
  const { cluster, namespace } = target;
  if (options.up && options.stack === undefined) throw new UsageError("--up takes --stack: which one is it to update?");
  const { deployment, pods } = await theOutpost(target, options.outpost);
  const authentik = await findAuthentik(cluster, options.authentikNamespace ?? namespace);
  const refusal = whyNotRecreated(deployment, authentik);
  if (refusal) throw new Error(refusal);
  io.out(planOf(deployment, await podFacts(cluster, pods, io.now()), doubt(authentik)));
  if (options.dryRun) {
    io.out("Nothing was changed.\n");
    return exitCodes.ok;
  }
  if (options.up) await requirePulumi(io);
  if (!(await confirmed(io, `Deployment ${namespace}/${nameOf(deployment)} will be deleted`, options.yes))) {
    io.err("Nothing was changed.\n");
    return exitCodes.failed;
  }
  const saved = saveManifest(deployment, options.manifest, io.now());
  io.err(`Its manifest is saved in ${saved}\n`);
  await cluster.deleteDeployment(namespace, nameOf(deployment), deployment.metadata?.uid ?? "");
  const after = await comeback(cluster, deployment, options.timeout, io);
  if (after.stage !== "ready" || !after.deployment) throw new Error(failure(target, deployment, after, saved, options));
  io.out(`Deployment ${namespace}/${nameOf(deployment)} is back and ready, as authentik creates it.\n`);
  return leftToDo(deployment, after.deployment, options, io);
}

/** Checks for Pulumi before anything is deleted, since it is to bring the sidecar back. */
async function requirePulumi(io: Io): Promise<void> {
  const status = await io.run("pulumi", ["version"]).catch((error: Error) => error.message);
  if (status !== 0) throw new Error(`--up takes the Pulumi CLI, and \`pulumi version\` does not work here (${status})`);
}

async function theOutpost(
  { cluster, namespace }: Target,
  outpost: string,
): Promise<{ deployment: V1Deployment; pods: OutpostPod[] }> {
  const { deployments } = await findOutposts(cluster, namespace, [outpost]);
  const [deployment] = deployments;
  if (!deployment) throw new UsageError(`"${outpost}" is a pod of no Deployment in namespace ${namespace}`);
  if (deployments.length > 1)
    throw new UsageError(`"${outpost}" names more than one Deployment: ${deployments.map(nameOf).join(", ")}`);
  const all = await findOutposts(cluster, namespace);
  return { deployment, pods: all.pods.filter((pod) => pod.deployment === nameOf(deployment)) };
}

function failure(
  { kubectl }: Target,
  before: V1Deployment,
  { stage, seen }: Comeback,
  saved: string,
  { timeout }: RecreateOptions,
): string {
  const name = nameOf(before);
  const bare = isBareAfterwards(before) ? ", then pulumi up --refresh for the sidecar" : "";
  const restore = `To put it back as authentik had it: ${kubectl} create --field-manager=${authentikManager} -f ${saved}${bare}`;
  const cures = {
    deleting: `See what holds it: ${kubectl} describe deployment ${name}. Once it is gone: ${restore}`,
    gone: `${restore}\nOr have authentik look at it: save outpost ${outpostOf(before)} in the Admin UI (Applications › Outposts › Edit › Update)`,
    starting: `See why: ${kubectl} describe pods -l ${outpostSelector(outpostOf(before))}. As it was, it is in ${saved}`,
    ready: "",
  };
  return `Deployment ${before.metadata?.namespace}/${name} did not come back within ${formatDuration(timeout)}: ${seen}.\n${cures[stage]}`;
}

/** Runs `pulumi up` to bring the sidecar back, or says to do so if authentik did not bring it. */
async function leftToDo(
  before: V1Deployment,
  after: V1Deployment,
  { up, stack, kubeconfig }: RecreateOptions,
  io: Io,
): Promise<number> {
  const command = ["up", "--refresh", ...(stack === undefined ? [] : ["--stack", stack])];
  if (up) {
    const status = await io.run(
      "pulumi",
      [...command, "--yes"],
      kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig },
    );
    if (status === 0) return exitCodes.ok;
    throw new Error(`pulumi ${command.join(" ")} ended with status ${status}`);
  }
  if (isBareAfterwards(before) && !hasSidecar(after))
    io.out(`It has no sidecar. What is left to do: pulumi ${command.join(" ")}\n`);
  return exitCodes.ok;
}
