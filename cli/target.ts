import { projectDir as clone } from "./io";
import { readStackFile, type StackFile } from "../settings/stackFile";
import { contextVariable, expectationOf, kubeconfigVariable, type Expectation } from "../settings/expectation";
import type { KubernetesConfig } from "../kubernetes/connection";
import type { Cluster } from "../kubernetes/cluster";
import { UsageError } from "./errors";

/** Flags of every command that say where to look, as kubectl has them, and `--stack`. */
export interface TargetOptions {
  namespace?: string;
  context?: string;
  kubeconfig?: string;
  /** Name of a stack, whose file then gives what isn't given here. */
  stack?: string;
  /** What the stack wants, already at hand: pins the namespace as a stack does. */
  expectation?: Expectation;
}

/** Where a command works. */
export interface Target {
  cluster: Cluster;
  namespace: string;
  /** kubectl with the flags that make it work there, to be shown in commands. */
  kubectl: string;
  /** The same for a command of this program, such as `status main`; in another namespace if one is named. */
  outpostShm: (command: string, otherNamespace?: string) => string;
  /** What the stack wants; undefined without one. */
  expectation?: Expectation;
  /** Where authentik is, by the stack, and the token by the environment; undefined unless both are given. */
  authentikAccess?: { url: string; token: string };
}

/** Holds the token: the stack's own is a secret that only Pulumi can read. */
const tokenVariable = "AUTHENTIK_TOKEN";

/** What a target is made from, beside the flags; tests inject their own. */
export interface TargetMakers {
  cluster(config: KubernetesConfig): Promise<Cluster>;
  env: Record<string, string | undefined>;
  /** Folder of Pulumi.yaml and the stack files. Default: this clone. */
  projectDir?: string;
}

/**
 * The namespace is the flag's, the stack's, or that of the kubeconfig's context, as with kubectl. A stack pins context and namespace:
 * flags that say otherwise are an error, for one of the two must be a mistake.
 */
export async function openTarget(options: TargetOptions, makers: TargetMakers): Promise<Target> {
  const stack = options.stack === undefined ? undefined : stackNamed(options.stack, makers);
  if (stack) {
    refuseConflict("--context", options.context, stack.kubernetes.context, stack.stack);
    refuseConflict("--kubeconfig", options.kubeconfig, stack.kubernetes.kubeconfig, stack.stack);
    refuseConflict("--namespace", options.namespace, stack.settings.namespace, stack.stack);
  }
  const expectation = stack ? expectationOf(stack.settings) : options.expectation;
  const context = options.context ?? stack?.kubernetes.context ?? makers.env[contextVariable];
  const cluster = await makers.cluster({
    kubeconfig: options.kubeconfig ?? stack?.kubernetes.kubeconfig ?? makers.env[kubeconfigVariable],
    context,
    contextGivenBy: options.context === undefined ? "kubernetes:context" : "--context",
  });
  const namespace = options.namespace ?? expectation?.namespace ?? (await cluster.contextNamespace());
  const [url, token] = [stack?.settings.authentikUrl, makers.env[tokenVariable]];
  return {
    cluster,
    namespace,
    kubectl: ["kubectl", ...flagsOf({ kubeconfig: options.kubeconfig, context, namespace })].join(" "),
    outpostShm: (command, otherNamespace) => {
      const { stack, kubeconfig } = options;
      const place =
        stack === undefined || otherNamespace ? { context, namespace: otherNamespace ?? namespace } : { stack };
      return ["npx --no-install outpost-shm", command, ...flagsOf({ kubeconfig, ...place })].join(" ");
    },
    ...(expectation && { expectation }),
    ...(url && token && { authentikAccess: { url, token } }),
  };
}

/** A stack that there is not, or whose settings make no sense, is wrong use. */
function stackNamed(name: string, { projectDir }: TargetMakers): StackFile {
  try {
    return readStackFile(projectDir ?? clone, name);
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function flagsOf(flags: Record<string, string | undefined>): string[] {
  return Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag} ${value}`]));
}

function refuseConflict(flag: string, given: string | undefined, pinned: string | undefined, stack: string): void {
  if (given === undefined || pinned === undefined || given === pinned) return;
  throw new UsageError(`${flag} is "${given}", and stack ${stack} pins "${pinned}": leave out ${flag} or --stack`);
}
