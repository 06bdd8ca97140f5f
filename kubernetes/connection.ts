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
import { isTerminal, sharePlugin } from "./credentialPlugin";
import { environmentProxy } from "./environmentProxy";
import { kubeconfigOf, type KubernetesConfig } from "./kubeconfig";
import { atMost, patiently, retryAfter } from "./throttle";
import { printable } from "./printable";

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
  /** Gets the credentials of a plugin, if the kubeconfig has one. */
  login: () => Promise<void>;
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
        () =>
          inTurn(async () => {
            // At a terminal a login has no limit, as with kubectl: somebody may have to type a password.
            await (isTerminal() ? client.login() : withTimeout(client.login()));
            return withTimeout(request(client));
          }),
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
  const client = await import("@kubernetes/client-node");
  const { ApiException, AppsV1Api, AuthorizationV1Api, BatchV1Api, CoreV1Api, CustomObjectsApi } = client;
  const kubeConfig = kubeconfigOf(client, config);
  goThroughProxies(kubeConfig);
  allowPlainHttp(kubeConfig);
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
    login: sharePlugin(kubeConfig),
  };
}

/** Has requests go through the proxy of the environment, as those of kubectl do. The client knows only that of the kubeconfig. */
function goThroughProxies(kubeConfig: KubeConfig): void {
  kubeConfig.clusters = kubeConfig.clusters.map((cluster) => ({
    ...cluster,
    proxyUrl: cluster.proxyUrl ?? environmentProxy(cluster.server),
  }));
}

/** Has the client accept an address such as that of `kubectl proxy`: it refuses HTTP unless TLS is not to be verified. */
function allowPlainHttp(kubeConfig: KubeConfig): void {
  kubeConfig.clusters = kubeConfig.clusters.map((cluster) => ({
    ...cluster,
    skipTLSVerify: cluster.skipTLSVerify || cluster.server.startsWith("http:"),
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

/** Takes this for what may not be read. Any other error passes on, or a fault of the moment would count as a lack of rights. */
export function ifForbidden<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (refusedWith(error) === 403) return instead;
    throw error;
  };
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
  // The error of a name with several addresses has a code but no message.
  if (typeof code === "string") return withoutPassword(printable(message)).replace(/(^|: )$/, `$1${code}`);
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
