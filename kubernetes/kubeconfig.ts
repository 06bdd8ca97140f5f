import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { withSkippedFields, type ClientModule } from "./kubeconfigUsers";

/** The `kubernetes:*` stack config that selects the Kubernetes provider's cluster. */
export interface KubernetesConfig {
  /** A kubeconfig's text, or the path of one. Default: $KUBECONFIG, ~/.kube/config, or the pod's own account. */
  kubeconfig?: string;
  /** Default: the kubeconfig's current context. */
  context?: string;
  /** Source of `context`, named by the error if there is no such context. Default: kubernetes:context. */
  contextGivenBy?: string;
  /** Name of the kubeconfig's cluster (kubernetes:cluster, --cluster). Default: the context's own. */
  cluster?: string;
}

/** Loads a kubeconfig with its context and cluster selected. */
export function kubeconfigOf(client: ClientModule, config: KubernetesConfig): KubeConfig {
  const kubeConfig = load(withSkippedFields(client), config.kubeconfig);
  if (config.context) selectContext(kubeConfig, config.context, config.contextGivenBy ?? "kubernetes:context");
  mustHaveCurrentContext(kubeConfig);
  if (config.cluster) selectCluster(kubeConfig, config.cluster);
  mustHaveEntries(kubeConfig);
  return kubeConfig;
}

/** Tells a kubeconfig's text from its path. */
const isText = (kubeconfig: string): boolean => /^\s*(\{|apiVersion:|kind:|clusters:)/m.test(kubeconfig);

/** Tells what is surely a path, and may be shown, from what may be a text, which has credentials in it. */
export const isPath = (kubeconfig: string): boolean => !/[\n{]|:\s/.test(kubeconfig);

/** Returns the path with the home folder for a leading `~`, as the Kubernetes provider reads it. */
export const expandHome = (path: string): string => (/^~(\/|$)/.test(path) ? join(homedir(), path.slice(1)) : path);

function load(Config: typeof KubeConfig, given: string | undefined): KubeConfig {
  const kubeconfig = given && !isText(given) ? expandHome(given) : given;
  const kubeConfig = new Config();
  // Those that are missing or empty do not count, unless all are.
  const named = (process.env.KUBECONFIG ?? "").split(delimiter);
  const files = named.filter((file) => existsSync(file) && statSync(file).size > 0);
  try {
    if (kubeconfig && isText(kubeconfig)) kubeConfig.loadFromString(kubeconfig);
    else if (kubeconfig) kubeConfig.loadFromFile(kubeconfig);
    else if (files.length > 0)
      merge(
        kubeConfig,
        files.map((file) => fromFile(Config, file)),
      );
    else kubeConfig.loadFromDefault();
  } catch (error) {
    // eslint-disable-next-line preserve-caught-error -- a parser quotes what it can't read, and that may be a token
    throw new Error(unreadable(kubeconfig, error as ParserError));
  }
  // The client falls back to this name if it found nothing at all.
  if (kubeConfig.getCurrentContext() === "loaded-context") {
    throw new Error("There is no kubeconfig: set KUBECONFIG, or the stack's kubernetes:kubeconfig.");
  }
  return kubeConfig;
}

function fromFile(Config: typeof KubeConfig, file: string): KubeConfig {
  const kubeConfig = new Config();
  kubeConfig.loadFromFile(file);
  return kubeConfig;
}

/**
 * Merges the files of $KUBECONFIG as kubectl and the Kubernetes provider do: of two entries of one name the first counts, as does
 * the first current context. The client would take the last context, and thereby another cluster.
 */
function merge(kubeConfig: KubeConfig, files: KubeConfig[]): void {
  const firstOfEach = <T extends { name: string }>(entries: T[]): T[] =>
    entries.filter(({ name }, index) => entries.findIndex((entry) => entry.name === name) === index);
  kubeConfig.loadFromOptions({
    clusters: firstOfEach(files.flatMap((file) => file.getClusters())),
    users: firstOfEach(files.flatMap((file) => file.getUsers())),
    contexts: firstOfEach(files.flatMap((file) => file.getContexts())),
    currentContext: files.map((file) => file.getCurrentContext()).find(Boolean),
  });
}

/** An error of the parser of YAML, or of the system. */
type ParserError = NodeJS.ErrnoException & { mark?: { line: number } };

/** Explains what is wrong with a kubeconfig, without a word of it. Not even a path is shown unless it is one. */
function unreadable(kubeconfig: string | undefined, { code, mark }: ParserError): string {
  const isFile = kubeconfig !== undefined && existsSync(kubeconfig);
  if (kubeconfig && !isText(kubeconfig) && !isFile)
    return "The kubeconfig that is given (kubernetes:kubeconfig, --kubeconfig) is neither the text of one nor the path of a file.";
  const which = isFile
    ? `The kubeconfig ${kubeconfig}`
    : kubeconfig
      ? "The text in kubernetes:kubeconfig"
      : "The kubeconfig ($KUBECONFIG, or ~/.kube/config)";
  if (code) return `${which} can't be read: ${code}.`;
  return `${which} is no valid kubeconfig${mark ? `: see its line ${mark.line + 1}` : ""}.`;
}

function selectContext(kubeConfig: KubeConfig, context: string, givenBy: string): void {
  mustHave(`${givenBy} is "${context}"`, context, kubeConfig.getContexts());
  kubeConfig.setCurrentContext(context);
}

/** Takes another cluster for the context, with the context's user, as the Kubernetes provider does. */
function selectCluster(kubeConfig: KubeConfig, cluster: string): void {
  mustHave(`The cluster is to be "${cluster}" (kubernetes:cluster, --cluster)`, cluster, kubeConfig.getClusters());
  const current = kubeConfig.getCurrentContext();
  kubeConfig.contexts = kubeConfig.contexts.map((each) => (each.name === current ? { ...each, cluster } : each));
}

function mustHaveCurrentContext(kubeConfig: KubeConfig): void {
  const [current, contexts] = [kubeConfig.getCurrentContext(), kubeConfig.getContexts()];
  if (!current)
    throw new Error(
      `The kubeconfig has no current-context: give one of its contexts (kubernetes:context, --context); it has: ${namesOf(contexts)}.`,
    );
  mustHave(`The current-context is "${current}"`, current, contexts);
}

/** Holds that the cluster and the user of the current context are there. */
function mustHaveEntries(kubeConfig: KubeConfig): void {
  const { name, cluster, user } = kubeConfig.getContextObject(kubeConfig.getCurrentContext())!;
  mustHave(`The cluster of context "${name}" is "${cluster}"`, cluster, kubeConfig.getClusters());
  if (user) mustHave(`The user of context "${name}" is "${user}"`, user, kubeConfig.getUsers());
}

function mustHave(wish: string, wanted: string, entries: readonly { name: string }[]): void {
  if (entries.some(({ name }) => name === wanted)) return;
  throw new Error(`${wish}, which the kubeconfig does not have; it has: ${namesOf(entries)}.`);
}

const namesOf = (entries: readonly { name: string }[]): string => entries.map(({ name }) => name).join(", ") || "none";
