import { lastingLabels } from "../authentik/names";
import { revisionLabel, sidecarContainer } from "../cleaner/names";
import type { Deployment, PodSpecPatch } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/settings";
import { fragmentRevision } from "../sidecar/revision";
import { merge, nothing, problem, restarts, warning, type Findings } from "./findings";
import { inspectTaken } from "./jsonPatches";
import type { Look } from "./look";
import * as messages from "./messages";
import { inspectPods } from "./pods";

/** Finds what `delivery: admission` would change: the pods of the Deployment, which itself only asks for a rollout. */
export async function inspectAdmission(
  look: Look,
  settings: OutpostSettings,
  fragment: PodSpecPatch,
  live: Deployment,
): Promise<Findings> {
  const { matchLabels: labels, matchExpressions = [] } = live.spec?.selector ?? {};
  if (!labels || matchExpressions.length > 0) return problem(messages.selectorByExpressions(settings));
  const fields = await inspectTaken(look, settings, live);
  if ("refused" in fields) return fields.refused;
  const asking = { metadata: { labels: { [revisionLabel]: fragmentRevision(fragment) } } };
  const { namespace, cluster, fieldManager } = look;
  const dryRun = await cluster.dryRunApply(namespace, settings.deployment, fieldManager, asking);
  const change = restarts(live, dryRun);
  return merge([
    fields.moving,
    change,
    inspectPods(look, settings, live),
    await inspectNewPod(look, settings, live, change.restarts ? { ...asking, spec: fragment } : undefined),
    { ...nothing, podLabels: [{ deployment: settings.deployment, labels: lastingLabels(labels) }] },
    fields.taken.length > 0 ? { ...nothing, handovers: [settings.deployment] } : nothing,
  ]);
}

/**
 * Asks the API server for a pod of the Deployment. If pods are to get the sidecar, it has to accept one: Pod Security, a quota or
 * a webhook may refuse it. If they have it already, a new one has to get it too.
 * @param template what the rollout brings, with the sidecar in it; undefined without a rollout
 */
async function inspectNewPod(
  { cluster, namespace, fieldManager }: Look,
  settings: OutpostSettings,
  live: Deployment,
  template: Parameters<Look["cluster"]["dryRunApply"]>[3],
): Promise<Findings> {
  const { allowed } = await cluster.selfMay({ namespace, resource: "pods", verb: "create" });
  if (!allowed) return warning(messages.unknownPod(settings));
  if (!template) {
    const answer = await cluster.dryRunPod(namespace, live.spec!.template);
    const isBare = answer.outcome === "created" && !answer.pod.spec?.initContainers?.some(isOurs);
    return isBare ? warning(messages.barePod(settings)) : nothing;
  }
  const whole = await cluster.dryRunApply(namespace, settings.deployment, fieldManager, template);
  if (whole.outcome === "invalid") return problem(messages.invalid(live, whole.reason));
  if (whole.outcome === "forbidden") return nothing;
  const answer = await cluster.dryRunPod(namespace, whole.deployment.spec!.template);
  return answer.outcome === "refused" ? problem(messages.podRefused(settings, answer.reason)) : nothing;
}

const isOurs = ({ name }: { name: string }): boolean => name === sidecarContainer;
