import { revisionLabel } from "../../cleaner/names";
import { liveCluster } from "../../kubernetes/liveCluster";
import { waitUntil } from "../../sandbox/waitUntil";

/**
 * Resolves once delivery by admission holds for pods whose template does not ask for it, as after a Deployment was created anew.
 * The API server follows a second or two after `pulumi up`.
 */
export async function untilUnlabelledAdmitted(
  kubeconfig: string,
  namespace: string,
  deployment: string,
): Promise<void> {
  const cluster = liveCluster({ kubeconfig });
  const { metadata, spec } = (await cluster.deployment(namespace, deployment))!.spec!.template;
  const { [revisionLabel]: _asked, ...labels } = metadata!.labels!;
  const isAdmitted = async () => {
    const answer = await cluster.dryRunPod(namespace, { metadata: { labels }, spec });
    return (answer.outcome === "created" && answer.pod.spec?.initContainers !== undefined) || undefined;
  };
  await waitUntil(isAdmitted, { what: "the policy of unlabelled pods to be in force", timeoutMs: 30_000 });
}
