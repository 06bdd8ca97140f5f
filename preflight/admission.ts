import { lastingSelector } from "../authentik/names";
import { revisionLabel } from "../cleaner/names";
import type { Deployment } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/types";
import { podFragment } from "../podPatch/podFragment";
import { fragmentRevision } from "../podPatch/revision";
import { merge, nothing, restarts, type Findings } from "./findings";
import type { Look } from "./look";
import { inspectNewPod } from "./newPod";
import { inspectPods } from "./pods";

/** Finds what `delivery: admission` would change: the pods of the Deployment, which itself only asks for a rollout. */
export async function inspectAdmission(look: Look, settings: OutpostSettings, live: Deployment): Promise<Findings> {
  const { namespace, cluster, fieldManager } = look;
  const { deployment } = settings;
  const fragment = podFragment(settings);
  const asking = { metadata: { labels: { [revisionLabel]: fragmentRevision(fragment) } } };
  const dryRun = await cluster.dryRunApply(namespace, deployment, fieldManager, asking);
  const change = restarts(live, dryRun);
  const isRestart = change.restarts !== undefined;
  return merge([
    change,
    inspectPods(look, settings, live),
    dryRun.outcome === "applied"
      ? await inspectNewPod(look, settings, dryRun.deployment, { ...asking, spec: fragment }, isRestart)
      : nothing,
    { ...nothing, podSelectors: [{ deployment, selector: lastingSelector(live.spec!.selector) }] },
  ]);
}
