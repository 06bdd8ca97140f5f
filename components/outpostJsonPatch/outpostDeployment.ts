import { authentikManager } from "../../authentik/names";
import { orUndefined, type Call } from "../../kubernetes/connection";
import { selectorOf } from "../../kubernetes/podsOfDeployment";
import type { Deployment, ManagedFieldsEntry } from "../../kubernetes/types";
import type { PodSpecMerge } from "../../podPatch/jsonPatch/liveSidecar";

export type OutpostDeployment = ReturnType<typeof outpostDeployment>;

/** The Deployment that authentik made for an outpost, with the few writes of ours that authentik's own updates can't do. */
export function outpostDeployment(call: Call, namespace: string, deployment: string) {
  const target = { namespace, name: deployment };
  const name = `${namespace}/${deployment}`;
  return {
    /** `namespace/name`. */
    name,
    /** Undefined if there is none. */
    read: (): Promise<Deployment | undefined> =>
      call(`read Deployment ${name}`, (client) => orUndefined(client, client.apps.readNamespacedDeployment(target))),
    /**
     * Applies a strategic merge patch of the pod spec in authentik's name, since authentik has to maintain the result.
     * @param withoutLabel a label of the pods that it takes away
     * @throws if the API server refuses it, with its words
     */
    merge: (podSpec: PodSpecMerge, { dryRun, withoutLabel }: { dryRun?: boolean; withoutLabel?: string } = {}) =>
      call(`patch Deployment ${name}`, async ({ apps }) => {
        const { setHeaderOptions, PatchStrategy } = await import("@kubernetes/client-node");
        const metadata = withoutLabel && { labels: { [withoutLabel]: null } };
        const body = { spec: { template: { ...(metadata && { metadata }), spec: podSpec } } };
        await apps.patchNamespacedDeployment(
          { ...target, body, fieldManager: authentikManager, ...(dryRun && { dryRun: "All" }) },
          setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch),
        );
      }),
    /** Writes other field owners. Returns false, and writes nothing, if the Deployment has changed since it was read. */
    writeOwners: (live: Deployment, managedFields: ManagedFieldsEntry[]) =>
      call(`hand over fields of Deployment ${name}`, async ({ apps, isApiException }) => {
        const { setHeaderOptions, PatchStrategy } = await import("@kubernetes/client-node");
        // As kubectl moves fields between managers: https://pkg.go.dev/k8s.io/client-go/util/csaupgrade
        const body = [
          { op: "replace", path: "/metadata/managedFields", value: managedFields },
          { op: "replace", path: "/metadata/resourceVersion", value: live.metadata?.resourceVersion },
        ];
        try {
          const jsonPatch = setHeaderOptions("Content-Type", PatchStrategy.JsonPatch);
          await apps.patchNamespacedDeployment({ ...target, body, fieldManager: authentikManager }, jsonPatch);
          return true;
        } catch (error) {
          if (isApiException(error) && error.code === 409) return false;
          throw error;
        }
      }),
    pods: (live: Deployment) =>
      call(`list the pods of Deployment ${name}`, async ({ core }) => {
        return (await core.listNamespacedPod({ namespace, labelSelector: selectorOf(live) })).items;
      }),
  };
}
