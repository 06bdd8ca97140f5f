import type { Deployment, PodSpecPatch } from "./types";
import { connection, messageOf, type Client, type KubernetesConfig } from "./connection";

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
  /** What a strategic merge patch of the pod spec by this field manager would do. */
  dryRunMerge(namespace: string, name: string, fieldManager: string, podSpec: object): Promise<DryRun>;
}

/** The Deployments of the cluster that the Kubernetes provider is configured for. */
export function clusterDeployments(config: KubernetesConfig): DeploymentApi {
  const call = connection(config);
  return {
    read: (namespace, name) =>
      call(`read Deployment ${namespace}/${name}`, (client) => readDeployment(client, namespace, name)),
    listOutposts: (namespace) =>
      call(`list the Deployments in ${namespace}`, async ({ apps }) => {
        const labelSelector = "goauthentik.io/outpost-type=proxy";
        return (await apps.listNamespacedDeployment({ namespace, labelSelector })).items;
      }),
    dryRunApply: (namespace, name, fieldManager, podSpec) =>
      call(`dry-run a patch of Deployment ${namespace}/${name}`, (client) =>
        dryRun(client, { namespace, name }, { how: "ServerSideApply", fieldManager, podSpec }),
      ),
    dryRunMerge: (namespace, name, fieldManager, podSpec) =>
      call(`dry-run a patch of Deployment ${namespace}/${name}`, (client) =>
        dryRun(client, { namespace, name }, { how: "StrategicMergePatch", fieldManager, podSpec }),
      ),
  };
}

export async function readDeployment(client: Client, namespace: string, name: string): Promise<Deployment | undefined> {
  try {
    return await client.apps.readNamespacedDeployment({ namespace, name });
  } catch (error) {
    if (client.isApiException(error) && error.code === 404) return undefined;
    throw error;
  }
}

interface DryRunRequest {
  how: "ServerSideApply" | "StrategicMergePatch";
  fieldManager: string;
  podSpec?: object;
}

async function dryRun(
  { apps, isApiException }: Client,
  target: { namespace: string; name: string },
  { how, fieldManager, podSpec }: DryRunRequest,
): Promise<DryRun> {
  const { setHeaderOptions, PatchStrategy } = await import("@kubernetes/client-node");
  const isApply = how === "ServerSideApply";
  const body = {
    ...(isApply && { apiVersion: "apps/v1", kind: "Deployment", metadata: target }),
    ...(podSpec && { spec: { template: { spec: podSpec } } }),
  };
  try {
    const deployment = await apps.patchNamespacedDeployment(
      { ...target, body, dryRun: "All", fieldManager, ...(isApply && { force: true }) },
      setHeaderOptions("Content-Type", PatchStrategy[how]),
    );
    return { outcome: "applied", deployment };
  } catch (error) {
    if (!isApiException(error)) throw error;
    if (error.code === 403) return { outcome: "forbidden", reason: messageOf(error) };
    if (error.code === 422) return { outcome: "invalid", reason: messageOf(error) };
    throw error;
  }
}
