import { tokenFlaw } from "../authentik/requests";
import type { Cluster } from "../kubernetes/cluster";
import { expandHome, isPath, type KubernetesConfig } from "../kubernetes/kubeconfig";
import {
  clusterVariable,
  contextVariable,
  expectationOf,
  kubeconfigVariable,
  type Expectation,
} from "../settings/verifyExpectation";
import { readStackFile, type StackFile } from "../settings/stackFile";
import { hasSidecar } from "../settings/types";
import { UsageError } from "./errors";
import { projectDir as clone } from "./io";

/** Flags of every command that select its target, named as in kubectl, and `--stack`. */
export interface TargetOptions {
  namespace?: string;
  context?: string;
  cluster?: string;
  kubeconfig?: string;
  /** Name of a stack. Its file gives everything that isn't given here. */
  stack?: string;
  /** File of the stack, if it is another than `Pulumi.<stack>.yaml`, as of Pulumi's own flag. */
  configFile?: string;
  /** True to work on every namespace that has outposts. */
  allNamespaces?: boolean;
  /** The stack's expectation, already at hand. It pins the namespace as a stack does. */
  expectation?: Expectation;
}

/** The cluster and namespace that a command works on. */
export interface Target {
  cluster: Cluster;
  namespace: string;
  /** kubectl with the flags for this target, to be shown in commands. */
  kubectl: string;
  /** Returns a command of this program for this target, such as `status main`, or for another namespace if one is named. */
  outpostShm: (command: string, otherNamespace?: string) => string;
  /** Names cluster, namespaces and pods, for the question before a removal. */
  where: (pods: { name: string; namespace: string }[]) => Promise<string>;
  /** Returns the target of one namespace. Set if the command is to work on all of them. */
  inNamespace?: (namespace: string) => Target;
  /** Said of a stack whose file names no context, so that the kubeconfig's current one decides. Undefined if a context is named. */
  unpinned?: string;
  /** Flag that may choose another cluster than `pulumi up` of the stack takes, since the stack's file names none. */
  strayFlag?: string;
  /** The stack's expectation; undefined without a stack. */
  expectation?: Expectation;
  /** Names of the outposts that the stack has authentik put the sidecar on. */
  deliveredByAuthentik?: string[];
  /** authentik's URL from the stack, and the token from the environment; undefined unless both are given. */
  authentikAccess?: { url: string; token: string };
}

/** Variable for the token, since the stack's own is a secret that only Pulumi can read. */
const tokenVariable = "AUTHENTIK_TOKEN";

/** Sources of a target beside the flags; tests inject their own. */
export interface TargetMakers {
  cluster(config: KubernetesConfig): Promise<Cluster>;
  env: Record<string, string | undefined>;
  /** Folder of Pulumi.yaml and the stack files. Default: this clone. */
  projectDir?: string;
}

/**
 * Opens the target. The namespace is the flag's, the stack's, or that of the kubeconfig's context, as with kubectl. A stack
 * pins context and namespace. A flag that contradicts it is an error, since one of the two must be a mistake.
 */
export async function openTarget(options: TargetOptions, makers: TargetMakers): Promise<Target> {
  if (options.allNamespaces && options.namespace !== undefined)
    throw new UsageError("--all-namespaces and --namespace contradict each other: leave one of them out");
  const stack = stackOf(options, makers);
  const token = makers.env[tokenVariable] ?? "";
  const flaw = tokenFlaw(token);
  if (flaw) throw new UsageError(`${tokenVariable} ${flaw}`);
  const expectation = stack ? expectationOf(stack.settings) : options.expectation;
  const context = options.context ?? stack?.kubernetes.context ?? makers.env[contextVariable];
  if (stack?.hasEnvironment && context === undefined) throw new UsageError(contextUnknown(stack.stack));
  const named = options.cluster ?? stack?.kubernetes.cluster ?? makers.env[clusterVariable];
  const given = options.kubeconfig ?? stack?.kubernetes.kubeconfig ?? makers.env[kubeconfigVariable];
  const cluster = await makers.cluster({
    kubeconfig: given,
    context,
    contextGivenBy: options.context === undefined ? "kubernetes:context" : "--context",
    ...(named && { cluster: named }),
  });
  const own = options.namespace ?? expectation?.namespace ?? (await cluster.contextNamespace());
  const byAuthentik = stack?.settings.outposts.filter((each) => hasSidecar(each) && each.delivery === "authentik");
  const deliveredByAuthentik = byAuthentik?.map(({ name }) => name);
  const url = stack?.settings.authentikUrl;
  const { allNamespaces } = options;
  const kubeconfig = given && isPath(given) ? given : undefined;
  const inNamespace = (namespace: string): Target => ({
    cluster,
    namespace,
    kubectl: ["kubectl", ...flagsOf({ kubeconfig, context, cluster: named, namespace })].join(" "),
    outpostShm: (command, otherNamespace = namespace) => {
      const isOwn = stack !== undefined && otherNamespace === own;
      const place = isOwn
        ? stackFlags({ ...options, kubeconfig: options.kubeconfig && kubeconfig })
        : { kubeconfig, context, cluster: named, namespace: otherNamespace };
      return ["npx --no-install outpost-shm", command, ...flagsOf(place)].join(" ");
    },
    where: (pods) => whereabouts(cluster, context, allNamespaces ? undefined : namespace, pods),
    ...(stack && context === undefined && { unpinned: `stack ${stack.stack} names no kubernetes:context` }),
    ...(stack && { strayFlag: strayFlag(options, stack) }),
    ...(namespace === own && expectation && { expectation, deliveredByAuthentik }),
    ...(namespace === own && url && token && { authentikAccess: { url, token } }),
    ...(allNamespaces && { inNamespace }),
  });
  return inNamespace(own);
}

/** Names the option that the stack's file doesn't back. An environment of Pulumi ESC may, and can't be read here. */
function strayFlag({ context, cluster }: TargetOptions, { kubernetes, hasEnvironment }: StackFile): string | undefined {
  if (hasEnvironment) return undefined;
  if (context !== undefined && kubernetes.context === undefined) return "--context";
  return cluster !== undefined && kubernetes.cluster === undefined ? "--cluster" : undefined;
}

const contextUnknown = (stack: string): string =>
  `stack ${stack}: its file names no kubernetes:context. Its \`environment\` (Pulumi ESC) may, but only Pulumi can read that: ` +
  "name the context of the stack's cluster by --context";

/** Number of pods that a question names. */
const namedPods = 5;

/** @param namespace undefined for that of each pod, or for all of them without pods */
async function whereabouts(
  cluster: Cluster,
  context: string | undefined,
  namespace: string | undefined,
  pods: { name: string; namespace: string }[],
): Promise<string> {
  const server = await cluster.server().catch(() => "an unknown address");
  const names = pods.map((pod) => (namespace === undefined ? `${pod.namespace}/${pod.name}` : pod.name));
  const more = pods.length > namedPods ? ` and ${pods.length - namedPods} more` : "";
  const listed =
    pods.length > 0 ? `, pod${pods.length === 1 ? "" : "s"} ${names.slice(0, namedPods).join(", ")}${more}` : "";
  const namespaces = namespace === undefined ? [...new Set(pods.map((pod) => pod.namespace))] : [namespace];
  const where =
    namespaces.length > 0
      ? `namespace${namespaces.length === 1 ? "" : "s"} ${namespaces.join(", ")}`
      : "all namespaces";
  return `cluster ${server} (${context ? `context ${context}` : "the current context"}), ${where}${listed}`;
}

/** Reads the stack, if one is named. One that does not exist, or whose settings make no sense, is wrong use. */
function stackOf(options: TargetOptions, { projectDir }: TargetMakers): StackFile | undefined {
  refuseFileOfNone(options);
  if (options.stack === undefined) return undefined;
  const stack = readStack(projectDir ?? clone, options.stack, options.configFile);
  const pinned = { ...stack.kubernetes, namespace: stack.settings.namespace };
  for (const flag of ["context", "cluster", "kubeconfig", "namespace"] as const)
    refuseConflict(`--${flag}`, options[flag], pinned[flag], stack.stack);
  return stack;
}

function readStack(dir: string, stack: string, configFile: string | undefined): StackFile {
  try {
    return readStackFile(dir, stack, { configFile });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

const stackFlags = ({ kubeconfig, context, cluster, stack, configFile }: TargetOptions) => ({
  kubeconfig,
  context,
  cluster,
  stack,
  "config-file": configFile,
});

function flagsOf(flags: Record<string, string | undefined>): string[] {
  return Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag} ${inShell(value)}`]));
}

/** Quotes a word for a command line if a shell would take it apart. In quotes it would not expand `~` either. */
const inShell = (word: string): string =>
  /^[\w~@%+=:,./-]+$/.test(word) ? word : `'${expandHome(word).replaceAll("'", "'\\''")}'`;

/** Refuses a stack's file without the stack. */
export function refuseFileOfNone({ configFile, stack }: Pick<TargetOptions, "configFile" | "stack">): void {
  if (configFile === undefined || stack !== undefined) return;
  throw new UsageError("--config-file is the file of a stack: name that by --stack");
}

/** Refuses a flag that contradicts the stack. */
export function refuseConflict(
  flag: string,
  given: string | undefined,
  pinned: string | undefined,
  stack: string,
): void {
  if (given === undefined || pinned === undefined || given === pinned) return;
  throw new UsageError(`${flag} is "${given}", and stack ${stack} pins "${pinned}": leave out ${flag} or --stack`);
}
