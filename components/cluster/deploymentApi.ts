import type { ApiException, AppsV1Api, KubeConfig, PatchStrategy } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import type { Deployment, PodSpecPatch } from "../kubernetesTypes";

/** What the API server would make of an apply, or why it would refuse it. */
export type DryRun =
  | { outcome: "applied"; deployment: Deployment }
  /** The account may not patch Deployments. */
  | { outcome: "forbidden"; reason: string }
  | { outcome: "invalid"; reason: string };

/** Looks at Deployments. Nothing here changes the cluster. */
export interface DeploymentApi {
  /** Undefined where there is no such Deployment. */
  read(namespace: string, name: string): Promise<Deployment | undefined>;
  /** Deployments of the namespace that authentik made for proxy outposts. */
  listOutposts(namespace: string): Promise<Deployment[]>;
  /** What a forced server-side apply of this pod spec by this field manager would do; an undefined one gives its fields back. */
  dryRunApply(namespace: string, name: string, fieldManager: string, podSpec?: PodSpecPatch): Promise<DryRun>;
}

/** The `kubernetes:*` stack config that says which cluster the Kubernetes provider talks to. */
export interface KubernetesConfig {
  /** A kubeconfig's text, or the path of one. Default: $KUBECONFIG, ~/.kube/config, or the pod's own account. */
  kubeconfig?: string;
  /** Default: the kubeconfig's current context. */
  context?: string;
}

/** Longest wait for one answer of the API server. */
const timeoutMilliseconds = 30_000;

type Client = { api: AppsV1Api; isApiException: (error: unknown) => error is ApiException<string>; server: string };

/** The Deployments of the cluster that the Kubernetes provider is configured for. Connects when it is first asked. */
export function clusterDeployments(config: KubernetesConfig): DeploymentApi {
  let connecting: Promise<Client> | undefined;
  const call = async <T>(what: string, request: (client: Client) => Promise<T>): Promise<T> => {
    const client = await (connecting ??= connect(config));
    try {
      return await withTimeout(request(client));
    } catch (cause) {
      const message = client.isApiException(cause)
        ? `Kubernetes refused to ${what}: ${messageOf(cause)}`
        : `No answer from the Kubernetes API at ${client.server} to ${what}: ${(cause as Error).message}`;
      throw new Error(message, { cause });
    }
  };
  return {
    read: (namespace, name) => call(`read Deployment ${namespace}/${name}`, (client) => read(client, namespace, name)),
    listOutposts: (namespace) =>
      call(`list the Deployments in ${namespace}`, async ({ api }) => {
        const labelSelector = "goauthentik.io/outpost-type=proxy";
        return (await api.listNamespacedDeployment({ namespace, labelSelector })).items;
      }),
    dryRunApply: (namespace, name, fieldManager, podSpec) =>
      call(`dry-run a patch of Deployment ${namespace}/${name}`, (client) =>
        dryRunApply(client, namespace, name, fieldManager, podSpec),
      ),
  };
}

async function read(client: Client, namespace: string, name: string): Promise<Deployment | undefined> {
  try {
    return await client.api.readNamespacedDeployment({ namespace, name });
  } catch (error) {
    if (client.isApiException(error) && error.code === 404) return undefined;
    throw error;
  }
}

async function dryRunApply(
  client: Client,
  namespace: string,
  name: string,
  fieldManager: string,
  podSpec?: PodSpecPatch,
): Promise<DryRun> {
  const { setHeaderOptions, PatchStrategy } = await import("@kubernetes/client-node");
  const serverSideApply: PatchStrategy = PatchStrategy.ServerSideApply;
  const body = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace, name },
    ...(podSpec && { spec: { template: { spec: podSpec } } }),
  };
  try {
    const deployment = await client.api.patchNamespacedDeployment(
      { namespace, name, body, dryRun: "All", fieldManager, force: true },
      setHeaderOptions("Content-Type", serverSideApply),
    );
    return { outcome: "applied", deployment };
  } catch (error) {
    if (!client.isApiException(error)) throw error;
    if (error.code === 403) return { outcome: "forbidden", reason: messageOf(error) };
    if (error.code === 422) return { outcome: "invalid", reason: messageOf(error) };
    throw error;
  }
}

async function connect(config: KubernetesConfig): Promise<Client> {
  const { KubeConfig, AppsV1Api, ApiException } = await import("@kubernetes/client-node");
  const kubeConfig = new KubeConfig();
  load(kubeConfig, config.kubeconfig);
  if (config.context) selectContext(kubeConfig, config.context);
  return {
    api: kubeConfig.makeApiClient(AppsV1Api),
    isApiException: (error): error is ApiException<string> => error instanceof ApiException,
    server: kubeConfig.getCurrentCluster()?.server ?? "an unknown address",
  };
}

function load(kubeConfig: KubeConfig, kubeconfig: string | undefined): void {
  if (kubeconfig && /^\s*(\{|apiVersion:|kind:|clusters:)/m.test(kubeconfig)) kubeConfig.loadFromString(kubeconfig);
  else if (kubeconfig) kubeConfig.loadFromFile(kubeconfig);
  else kubeConfig.loadFromDefault();
  // What the client falls back to where it found nothing at all.
  if (kubeConfig.getCurrentContext() === "loaded-context") {
    throw new Error("There is no kubeconfig: set KUBECONFIG, or the stack's kubernetes:kubeconfig.");
  }
}

function selectContext(kubeConfig: KubeConfig, context: string): void {
  const contexts = kubeConfig.getContexts().map(({ name }) => name);
  if (!contexts.includes(context)) {
    throw new Error(
      `kubernetes:context is "${context}", which the kubeconfig does not have; it has: ${contexts.join(", ") || "none"}.`,
    );
  }
  kubeConfig.setCurrentContext(context);
}

/** The API server's own words; the client leaves the body of a failed request as text. */
function messageOf(error: ApiException<string>): string {
  try {
    return (JSON.parse(error.body) as { message?: string }).message ?? `HTTP ${error.code}`;
  } catch {
    return `HTTP ${error.code}`;
  }
}

async function withTimeout<T>(request: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`none within ${timeoutMilliseconds / 1000} s`)), timeoutMilliseconds);
  });
  try {
    return await Promise.race([request, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
