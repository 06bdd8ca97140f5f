import { resolve } from "node:path";
import { authentikManager, managedByLabel, outpostUuidLabel } from "../authentik/names";
import { sidecarContainer } from "../cleaner/names";
import { refusedWith } from "../kubernetes/connection";
import { expandHome } from "../kubernetes/kubeconfig";
import { ownsFields } from "../kubernetes/fieldOwners";
import { selectorInShell } from "../kubernetes/podsOfDeployment";
import type { Deployment } from "../kubernetes/types";
import { formatDuration } from "../settings/values/duration";
import { eitherWay } from "./advice";
import { exitCodes, UsageError } from "./errors";
import { confirmed, type Io } from "./io";
import { findAuthentik, isWorker, type Authentik } from "./pods/authentikPods";
import { carriesSidecar } from "./pods/containers";
import { findOutposts, nameOf, outpostOf, podsOf, type OutpostPod, isReady } from "./pods/outpostPods";
import { podFacts, type PodFacts } from "./pods/podFacts";
import { fieldOwners } from "./pods/solution";
import { askAuthentik } from "./recreate/authentiksAnswer";
import { comeback, type Comeback } from "./recreate/comeback";
import { saveManifest } from "./recreate/manifest";
import type { Target, TargetOptions } from "./target";
import { counted } from "./units";

export interface RecreateOptions extends Pick<TargetOptions, "stack" | "configFile" | "kubeconfig"> {
  /** The outpost, by its name, slug or Deployment. */
  outpost: string;
  dryRun?: boolean;
  yes?: boolean;
  /** True to go on where authentik can't be asked whether it would bring the Deployment back. */
  acceptOutage?: boolean;
  /** Seconds that authentik has to bring it back. */
  timeout: number;
  /** File to save the manifest to. Default: one named after the Deployment and the time, in the current folder. */
  manifest?: string;
  /** Namespace that authentik itself runs in. Default: that of the outpost. */
  authentikNamespace?: string;
  /** True to end with `pulumi up --refresh` of the stack. */
  up?: boolean;
}

/** Makes authentik create an outpost's Deployment again: deletes it and waits until it is back. @returns the exit status */
export async function recreate(target: Target, options: RecreateOptions, io: Io): Promise<number> {
  const { cluster, namespace } = target;
  if (options.up && options.stack === undefined) throw new UsageError("--up takes --stack: which one is it to update?");
  if (options.up && target.strayFlag) throw new UsageError(strayUp(target.strayFlag, options));
  const { deployment, pods } = await theOutpost(target, options.outpost);
  const doubts = await doubtsAbout(target, deployment, options);
  io.out(planOf(deployment, await podFacts(cluster, pods, io.now()), doubts));
  if (options.dryRun) {
    io.out("Nothing was changed.\n");
    return exitCodes.ok;
  }
  if (options.up) await requirePulumi(io);
  const where = await target.where(pods);
  const loss = `In ${where}: Deployment ${nameOf(deployment)} will be deleted`;
  if (!options.yes && !(await confirmed(io, loss))) {
    io.err("Nothing was changed.\n");
    return exitCodes.failed;
  }
  const saved = saveManifest(deployment, options.manifest, io.now());
  io.err(`Its manifest is saved in ${saved}\n`);
  const interruption = io.interruption();
  await cluster
    .deleteDeployment(namespace, nameOf(deployment), deployment.metadata?.uid ?? "")
    .catch((error: Error) => {
      if ((refusedWith(error) ?? 500) < 500) throw error;
      io.err(`warning: ${error.message}. It may be deleted all the same\n`);
    });
  const after = await comeback(cluster, deployment, options.timeout, io, interruption);
  if (after.stage !== "ready") {
    throw new Error(failure(target, deployment, after, saved, endOf(after, interruption, options)));
  }
  io.out(`Deployment ${namespace}/${nameOf(deployment)} is back and ready, as authentik creates it.\n`);
  return leftToDo(deployment, after.deployment, options, io);
}

const strayUp = (flag: string, { stack }: RecreateOptions): string =>
  `--up and ${flag}: the file of stack ${stack} names no kubernetes:${flag.slice(2)}, so \`pulumi up\` might work on another ` +
  `cluster; set that first (pulumi config set kubernetes:${flag.slice(2)} … --stack ${stack})`;

/** Returns warnings if it is not sure that authentik would create the Deployment again. @throws if it would not */
async function doubtsAbout(target: Target, deployment: Deployment, options: RecreateOptions): Promise<string[]> {
  const authentik = await findAuthentik(target.cluster, options.authentikNamespace ?? target.namespace);
  const refusal = whyNotRecreated(deployment, authentik);
  if (refusal) throw new Error(refusal);
  const doubts = [doubt(authentik), await askAuthentik(target, deployment, authentik, options.acceptOutage)];
  return doubts.filter((each) => each !== undefined);
}

/** Checks for Pulumi before anything is deleted, since it is to bring the sidecar back. */
async function requirePulumi(io: Io): Promise<void> {
  const status = await io.run("pulumi", ["version"]).catch((error: Error) => error.message);
  if (status !== 0) throw new Error(`--up takes the Pulumi CLI, and \`pulumi version\` does not work here (${status})`);
}

async function theOutpost(target: Target, outpost: string): Promise<{ deployment: Deployment; pods: OutpostPod[] }> {
  const { namespace } = target;
  const { deployments } = await findOutposts(target, [outpost]);
  const [deployment] = deployments;
  if (!deployment) throw new UsageError(`"${outpost}" is a pod of no Deployment in namespace ${namespace}`);
  if (deployments.length > 1)
    throw new UsageError(`"${outpost}" names more than one Deployment: ${deployments.map(nameOf).join(", ")}`);
  const all = await findOutposts(target);
  return { deployment, pods: podsOf(deployment, all) };
}

function endOf({ stage }: Comeback, { aborted }: AbortSignal, { timeout }: RecreateOptions): string {
  if (stage === "kept") return "was not deleted";
  return aborted
    ? "was deleted, and the wait for it was interrupted"
    : `did not come back within ${formatDuration(timeout)}`;
}

function failure(
  { kubectl }: Target,
  before: Deployment,
  { stage, seen }: Exclude<Comeback, { stage: "ready" }>,
  saved: string,
  end: string,
): string {
  const name = nameOf(before);
  const bare = isBareAfterwards(before) ? `, then deploy again ${eitherWay()} for the sidecar` : "";
  const restore = `To put it back as authentik had it: ${kubectl} create --field-manager=${authentikManager} -f ${saved}${bare}`;
  const cures = {
    kept: "Run this command again.",
    deleting: `See what holds it: ${kubectl} describe deployment ${name}. Once it is gone: ${restore}`,
    gone: `${restore}\nOr have authentik look at it: save outpost ${outpostOf(before)} in the Admin UI (Applications › Outposts › Edit › Update)`,
    starting: `See why: ${kubectl} describe pods -l ${selectorInShell(before)}. As it was, it is in ${saved}`,
  };
  return `Deployment ${before.metadata?.namespace}/${name} ${end}: ${seen}.\n${cures[stage]}`;
}

/** Runs `pulumi up` to bring the sidecar back, or says to deploy again if authentik did not bring it. */
async function leftToDo(
  before: Deployment,
  after: Deployment,
  { up, stack, configFile, kubeconfig }: RecreateOptions,
  io: Io,
): Promise<number> {
  // Pulumi runs in the clone, wherever the file was named.
  const file = configFile === undefined ? [] : ["--config-file", resolve(configFile)];
  const command = ["up", "--refresh", ...(stack === undefined ? [] : ["--stack", stack]), ...file];
  if (up) {
    const env: Record<string, string> = kubeconfig === undefined ? {} : { KUBECONFIG: expandHome(kubeconfig) };
    const status = await io.run("pulumi", [...command, "--yes"], env);
    if (status === 0) return exitCodes.ok;
    throw new Error(`pulumi ${command.join(" ")} ended with status ${status}`);
  }
  if (isBareAfterwards(before) && !carriesSidecar(after))
    io.out(`It has no sidecar: deploy again ${eitherWay(`pulumi ${command.join(" ")}`)}.\n`);
  return exitCodes.ok;
}

/** Describes a recreation and the sessions that end with it, one line each. */
function planOf(deployment: Deployment, facts: PodFacts[], doubts: string[]): string {
  const lines = [
    `Deployment ${deployment.metadata?.namespace}/${nameOf(deployment)} of outpost ${outpostOf(deployment)} is deleted with its ` +
      `${counted(facts.length, "pod")}, and authentik creates it again.`,
    sessionsOf(facts),
    "Until then nobody gets at the outpost's applications. authentik looks at its outposts every four hours, and at once when one is saved: " +
      "be ready to save it in the Admin UI (Applications › Outposts › Edit › Update).",
    ...(isBareAfterwards(deployment) ? [`It comes back without the sidecar: deploy again then ${eitherWay()}.`] : []),
    ...doubts.map((each) => `warning: ${each}.`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function sessionsOf(facts: PodFacts[]): string {
  const told = facts.filter(({ sessions }) => sessions !== undefined);
  const sum = (state: "anonymous" | "authenticated") =>
    told.reduce((total, { sessions }) => total + (sessions?.[state] ?? 0), 0);
  const known = `${counted(sum("authenticated"), "session")} of logged-in people and ${sum("anonymous")} of visitors end`;
  const untold = facts.filter(({ sessions }) => sessions === undefined);
  if (untold.length === 0) return `${known}.`;
  const [{ pod, notes }] = untold;
  return `${known}, and those of ${counted(untold.length, "pod")} that can't be counted (${pod}: ${notes.at(-1) ?? "nothing told"}).`;
}

/** Tells whether somebody other than authentik put the sidecar there. authentik creates the Deployment without it. */
function isBareAfterwards(deployment: Deployment): boolean {
  const sidecar = fieldOwners(deployment).filter(({ field }) => field.endsWith(`container ${sidecarContainer}`));
  return carriesSidecar(deployment) && !sidecar.some(({ owners }) => owners.includes(authentikManager));
}

/** Explains why nobody would bring the Deployment back; undefined if authentik should. */
function whyNotRecreated(deployment: Deployment, authentik: Authentik): string | undefined {
  const { labels = {}, managedFields = [], namespace } = deployment.metadata ?? {};
  const name = `Deployment ${namespace}/${nameOf(deployment)}`;
  // A Deployment made by hand, as in authentik's manual, has the first label too.
  if (labels[managedByLabel] !== authentikManager || !labels[outpostUuidLabel]) {
    const isManaged = labels[managedByLabel] === authentikManager;
    const missing = isManaged ? outpostUuidLabel : `${managedByLabel}=${authentikManager}`;
    return `${name} is not managed by authentik (it lacks the label ${missing}): nobody would bring it back`;
  }
  if (!ownsFields(authentikManager, managedFields)) {
    return `${name} has authentik's labels, but authentik has never written it (no field manager ${authentikManager}): nobody would bring it back`;
  }
  // If no pod says that it is a worker, any pod will do.
  const workers = authentik.pods.filter(isWorker);
  const [who, able] = workers.length > 0 ? ["workers", workers] : ["own pods", authentik.pods];
  if (able.length > 0 && !able.some(isReady)) {
    const pods = able.map(nameOf).join(", ");
    return `none of authentik's ${who} in namespace ${authentik.namespace} is ready (${pods}): nobody would bring ${name} back`;
  }
  return undefined;
}

/** Returns a warning if it is not known that authentik runs; otherwise undefined. */
function doubt({ pods, namespace, unknown }: Authentik): string | undefined {
  if (unknown) return `Whether authentik runs is not known: ${unknown}`;
  if (pods.length > 0) return undefined;
  return `No pods of authentik are in namespace ${namespace}: if it runs in another, name that with --authentik-namespace; if it runs elsewhere, make sure that it does`;
}
