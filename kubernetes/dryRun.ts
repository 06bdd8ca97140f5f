import type { KubernetesObject } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { DryRun } from "./cluster";
import { messageOf, type Client } from "./connection";

/** A change of a Deployment's pod spec by this field manager. Without a pod spec an apply gives the manager's fields back. */
interface DryRunPatch {
  how: "ServerSideApply" | "StrategicMergePatch";
  fieldManager: string;
  podSpec?: object;
}

/** Asks the API server for the outcome of a forced server-side apply, or a merge. Changes nothing. */
export async function dryRunPatch(
  { apps, isApiException }: Client,
  target: { namespace: string; name: string },
  { how, fieldManager, podSpec }: DryRunPatch,
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

/**
 * Returns why the API server finds a new object of this content invalid; undefined if it does not. Asks by a dry run of its
 * creation, of which any other refusal (missing rights, a webhook) is not about the content.
 */
export async function refusalOf(
  { kubeConfig, isApiException }: Client,
  object: KubernetesObject,
): Promise<string | undefined> {
  const { KubernetesObjectApi } = await import("@kubernetes/client-node");
  try {
    await KubernetesObjectApi.makeApiClient(kubeConfig).create(object, undefined, "All");
    return undefined;
  } catch (error) {
    if (!isApiException(error)) throw error;
    return error.code === 422 ? messageOf(error) : undefined;
  }
}
