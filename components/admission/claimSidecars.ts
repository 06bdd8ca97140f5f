import * as pulumi from "@pulumi/pulumi";
import { connection } from "../../kubernetes/connection";
import type { KubernetesConfig } from "../../kubernetes/kubeconfig";
import { fieldManager } from "../fieldManager";
import { rewriteOwners } from "../outpostJsonPatch/partInConfig";
import { claimed } from "../outpostJsonPatch/handover";
import { outpostDeployment } from "../outpostJsonPatch/outpostDeployment";
import { defaultWaits } from "../outpostJsonPatch/waits";

/**
 * Makes the sidecar of these Deployments this stack's, which authentik's patch has brought. The label that asks for it by
 * admission then replaces it in one write, and so in one rollout. Nothing but the fields' owners changes here, and nothing in a
 * preview.
 */
export async function claimSidecars(
  config: KubernetesConfig,
  namespace: string,
  deployments: readonly string[],
): Promise<void> {
  if (pulumi.runtime.isDryRun() || deployments.length === 0) return;
  const call = connection(config);
  const by = fieldManager();
  for (const deployment of deployments) {
    const live = outpostDeployment(call, namespace, deployment);
    await rewriteOwners(live, defaultWaits, (managed) => claimed(managed, by));
  }
}
