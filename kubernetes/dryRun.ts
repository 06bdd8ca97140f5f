import type { KubernetesObject } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { DryRun, PodDryRun } from "./cluster";
import { messageOf, type Client } from "./connection";
import type { PodTemplate } from "./types";

/** A change of a Deployment's pod template by this field manager. Without a template an apply gives the manager's fields back. */
interface DryRunPatch {
  how: "ServerSideApply" | "StrategicMergePatch";
  fieldManager: string;
  template?: object;
}

/**
 * The API server's words for what a webhook or a policy refuses, whose code may be any: 403 is not only a missing right, and 422,
 * that of a policy without a `reason`, not only bad content.
 */
const denial = /\bdenied (the )?request\b/;

/** Asks the API server for the outcome of a forced server-side apply, or a merge. Changes nothing. */
export async function dryRunPatch(
  { apps, isApiException }: Client,
  target: { namespace: string; name: string },
  { how, fieldManager, template }: DryRunPatch,
): Promise<DryRun> {
  const { setHeaderOptions, PatchStrategy } = await import("@kubernetes/client-node");
  const isApply = how === "ServerSideApply";
  const body = {
    ...(isApply && { apiVersion: "apps/v1", kind: "Deployment", metadata: target }),
    ...(template && { spec: { template } }),
  };
  try {
    const deployment = await apps.patchNamespacedDeployment(
      { ...target, body, dryRun: "All", fieldManager, ...(isApply && { force: true }) },
      setHeaderOptions("Content-Type", PatchStrategy[how]),
    );
    return { outcome: "applied", deployment };
  } catch (error) {
    if (!isApiException(error)) throw error;
    const reason = messageOf(error);
    if (error.code === 422 || denial.test(reason)) return { outcome: "invalid", reason };
    if (error.code === 403) return { outcome: "forbidden", reason };
    throw error;
  }
}

/** Asks the API server which pod it would create from a template, with everything that admission adds. Creates nothing. */
export async function dryRunPodOf(
  { core, isApiException }: Client,
  namespace: string,
  { metadata, spec }: PodTemplate,
): Promise<PodDryRun> {
  const { labels, annotations } = metadata ?? {};
  const body = { metadata: { generateName: "authentik-outpost-shm-dry-run-", labels, annotations }, spec };
  try {
    return { outcome: "created", pod: await core.createNamespacedPod({ namespace, body, dryRun: "All" }) };
  } catch (error) {
    // Its code is up to who refuses it: a webhook that does not answer is an internal error. Only 429 is worth another try.
    if (!isApiException(error) || error.code === 429) throw error;
    return { outcome: "refused", reason: messageOf(error) };
  }
}

/**
 * Returns why the API server finds a new object of this content invalid; undefined if it does not. Asks by a dry run of its
 * creation, of which any other refusal (missing rights, a webhook, a policy) is not about the content.
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
    const reason = messageOf(error);
    return error.code === 422 && !denial.test(reason) ? reason : undefined;
  }
}
