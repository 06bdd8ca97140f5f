/** From the provider's settings and a kubeconfig to the API server they name. */
import { existsSync } from "node:fs";
import type { Properties } from "../properties";
import { ApiServer } from "./apiServer";
import { text } from "./objects";

/** The cluster cannot be used; the message says why, in the words of the Kubernetes provider. */
export class ClusterUnreachable extends Error {
  constructor(reason: string) {
    super(`configured Kubernetes cluster is unreachable: ${reason}`);
  }
}

export interface Connection {
  readonly api: ApiServer;
  /** For objects without one: the provider's `namespace`, else the context's. */
  readonly namespace: string;
}

/**
 * Connects as the provider's settings say: `kubeconfig` (a file's path or its text), `context` and `namespace`.
 * @param defaultKubeconfig path of the file used where the settings name none; the first one wins as with KUBECONFIG
 * @throws ClusterUnreachable on an unreadable kubeconfig, an unknown context or an API server that does not answer
 */
export async function connect(config: Properties, defaultKubeconfig: string): Promise<Connection> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const kubeConfig = new KubeConfig();
  const kubeconfig = text(config.kubeconfig) || defaultKubeconfig;
  const context = text(config.context);
  try {
    if (existsSync(kubeconfig)) kubeConfig.loadFromFile(kubeconfig);
    else kubeConfig.loadFromString(kubeconfig);
  } catch (error) {
    throw new ClusterUnreachable(
      `unable to load Kubernetes client configuration from kubeconfig file: ${String(error)}`,
    );
  }
  if (context) kubeConfig.setCurrentContext(context);
  const current = kubeConfig.getContextObject(kubeConfig.getCurrentContext());
  if (!current || !kubeConfig.getCurrentCluster()) {
    throw new ClusterUnreachable(
      `unable to load Kubernetes client configuration from kubeconfig file: context ${JSON.stringify(context)} does not exist`,
    );
  }
  const api = new ApiServer(kubeConfig);
  await api.version().catch((error: unknown) => {
    throw new ClusterUnreachable(`unable to load schema information from the API server: ${(error as Error).message}`);
  });
  return { api, namespace: text(config.namespace) || current.namespace || "" };
}
