import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { Agent, RequestOptions } from "node:https";
import type {
  ApiException,
  AppsV1Api,
  AuthorizationV1Api,
  BatchV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
} from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { environmentProxy } from "./environmentProxy";
import { atMost, patiently, retryAfter } from "./throttle";
import { printable } from "./printable";

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

export interface Client {
  apps: AppsV1Api;
  batch: BatchV1Api;
  core: CoreV1Api;
  authorization: AuthorizationV1Api;
  /** Also lists what any API group serves. */
  custom: CustomObjectsApi;
  isApiException: (error: unknown) => error is ApiException<string>;
  server: string;
  /** The config behind the other clients, for requests that they do not have. */
  kubeConfig: KubeConfig;
}

/**
 * Sends a request to the cluster.
 * @param what completes "Kubernetes refused to …" in the message of its error
 */
export type Call = <T>(what: string, request: (client: Client) => Promise<T>) => Promise<T>;

/** Longest wait for one answer of the API server. */
const timeoutMilliseconds = 30_000;

/**
 * Most requests at a time. A preview of many outposts would otherwise open a connection for each of them. The wait for a turn is no
 * part of the wait for an answer.
 */
const mostRequests = 16;

/** Connects to the cluster that the Kubernetes provider is configured for, at the first request. */
export function connection(config: KubernetesConfig): Call {
  let connecting: Promise<Client> | undefined;
  const inTurn = atMost(mostRequests);
  return async (what, request) => {
    const client = await (connecting ??= connect(config));
    try {
      return await patiently(
        () => inTurn(() => withTimeout(request(client))),
        (error) => (client.isApiException(error) && error.code === 429 ? retryAfter(error.headers) : undefined),
      );
    } catch (cause) {
      const message = client.isApiException(cause)
        ? `Kubernetes refused to ${what}: ${messageOf(cause)}`
        : `No answer from the Kubernetes API at ${client.server} to ${what}: ${reasonOf(cause)}`;
      throw new Error(message, { cause });
    }
  };
}

async function connect(config: KubernetesConfig): Promise<Client> {
  const { ApiException, AppsV1Api, AuthorizationV1Api, BatchV1Api, CoreV1Api, CustomObjectsApi, KubeConfig } =
    await import("@kubernetes/client-node");
  const kubeConfig = load(KubeConfig, config.kubeconfig);
  if (config.context) selectContext(kubeConfig, config.context, config.contextGivenBy ?? "kubernetes:context");
  if (config.cluster) selectCluster(kubeConfig, config.cluster);
  goThroughProxies(kubeConfig);
  shareConnections(kubeConfig);
  return {
    apps: kubeConfig.makeApiClient(AppsV1Api),
    batch: kubeConfig.makeApiClient(BatchV1Api),
    core: kubeConfig.makeApiClient(CoreV1Api),
    authorization: kubeConfig.makeApiClient(AuthorizationV1Api),
    custom: kubeConfig.makeApiClient(CustomObjectsApi),
    isApiException: (error): error is ApiException<string> => error instanceof ApiException,
    server: withoutPassword(kubeConfig.getCurrentCluster()?.server ?? "an unknown address"),
    kubeConfig,
  };
}

/** Has requests go through the proxy of the environment, as those of kubectl do. The client knows only that of the kubeconfig. */
function goThroughProxies(kubeConfig: KubeConfig): void {
  kubeConfig.clusters = kubeConfig.clusters.map((cluster) => ({
    ...cluster,
    proxyUrl: cluster.proxyUrl ?? environmentProxy(cluster.server),
  }));
}

/** Time after which an idle connection is closed, in milliseconds: before a load balancer would do so. */
const idleMilliseconds = 30_000;

/** Has requests share connections, as those of kubectl do. The client would open one for each, with a TLS handshake. */
function shareConnections(kubeConfig: KubeConfig): void {
  const prepareCall = kubeConfig.applySecurityAuthentication.bind(kubeConfig);
  const prepareRequest = kubeConfig.applyToHTTPSOptions.bind(kubeConfig);
  let shared: Agent | undefined;
  kubeConfig.applySecurityAuthentication = async (context) => {
    await prepareCall(context);
    context.setAgent((shared ??= keptAlive(context.getAgent() as Agent)));
  };
  kubeConfig.applyToHTTPSOptions = async (options: RequestOptions) => {
    await prepareRequest(options);
    options.agent = shared ??= keptAlive(options.agent as Agent);
  };
}

function keptAlive(agent: Agent): Agent {
  agent.options.timeout = idleMilliseconds;
  return Object.assign(agent, { keepAlive: true });
}

/**
 * Returns the HTTP status of a request that the API server refused, from the error of its {@link Call}. Undefined if it did not
 * answer.
 */
export function refusedWith(error: unknown): number | undefined {
  const cause = (error as { cause?: { code?: unknown } } | undefined)?.cause;
  return typeof cause?.code === "number" ? cause.code : undefined;
}

/** True for the error of a {@link Call} whose answer did not come in time. */
export const isUnanswered = (error: unknown): boolean =>
  (error as { cause?: { code?: unknown } }).cause?.code === "ETIMEDOUT";

/** True for the error of a {@link Call} that may succeed if it is sent again: nobody answered, or the API server could not. */
export function mayPass(error: unknown): boolean {
  const status = refusedWith(error);
  return (error as Error).cause !== undefined && (status === undefined || status === 429 || status >= 500);
}

/** Resolves to the answer of a request; undefined if the API server knows no such thing. */
export async function orUndefined<T>(client: Client, request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (client.isApiException(error) && error.code === 404) return undefined;
    throw error;
  }
}

/** Tells a kubeconfig's text from its path. */
const isText = (kubeconfig: string): boolean => /^\s*(\{|apiVersion:|kind:|clusters:)/m.test(kubeconfig);

/** Returns the path with the home folder for a leading `~`, as the Kubernetes provider reads it. */
export const expandHome = (path: string): string => (/^~(\/|$)/.test(path) ? join(homedir(), path.slice(1)) : path);

/** @param Config the client's class */
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

function mustHave(wish: string, wanted: string, entries: readonly { name: string }[]): void {
  const names = entries.map(({ name }) => name);
  if (names.includes(wanted)) return;
  throw new Error(`${wish}, which the kubeconfig does not have; it has: ${names.join(", ") || "none"}.`);
}

/** Returns the API server's own words. The client leaves the body of a failed request as text. */
export function messageOf(error: ApiException<string>): string {
  try {
    const { kind, message } = JSON.parse(error.body) as { kind?: string; message?: string };
    return kind === "Status" && message ? printable(message) : `HTTP ${error.code}`;
  } catch {
    return `HTTP ${error.code}`;
  }
}

/**
 * Returns the reason of a request that had no answer, in the system's words. Other errors may quote what they could not read,
 * such as a token that a credential plugin printed, so nothing of them is shown.
 */
export function reasonOf(error: unknown): string {
  const { code, message = "" } = error as NodeJS.ErrnoException;
  if (typeof code === "string") return withoutPassword(printable(message));
  // The words of the client's agent (hpagent) for a proxy that opens no way.
  const [, status] = /Bad response: (\d+)$/.exec(message) ?? [];
  if (status) return `the proxy refuses the way there, HTTP ${status}`;
  return "the credentials could not be had, or the answer not be read; kubectl with the same kubeconfig may say more";
}

/** Hides the user and password in a URL. */
const withoutPassword = (text: string): string => text.replace(/\/\/[^/@\s]*@/g, "//…@");

async function withTimeout<T>(request: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    const late = Object.assign(new Error(`none within ${timeoutMilliseconds / 1000} s`), { code: "ETIMEDOUT" });
    timer = setTimeout(() => reject(late), timeoutMilliseconds);
  });
  try {
    return await Promise.race([request, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
