import { selectorOf, selects } from "../kubernetes/selector";
import type { Deployment, LimitRange, Pod } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/settings";
import { memoryWarning } from "../sidecar/memoryLimit";
import { userProblem, userWarning } from "../sidecar/user";
import { merge, nothing, problem, warning, type Findings } from "./findings";
import type { Look } from "./look";

/** Judges what the outpost's pods really get, which the Deployment may not show: a memory limit, and a user. */
export async function inspectPods(look: Look, settings: OutpostSettings, live: Deployment): Promise<Findings> {
  const [limitRanges, pods] = await Promise.all([limitRangesIn(look), podsOf(look, live)]);
  const wrong = userProblem(settings, live, pods);
  const doubtful = userWarning(settings, live, pods);
  return merge([
    wrong ? problem(wrong) : nothing,
    doubtful ? warning(doubtful) : nothing,
    { problems: [], warnings: memoryWarning(settings, live, { limitRanges, pods }) },
  ]);
}

/** Lists the namespace's LimitRanges. A role that may not list them, or the pods, loses nothing else. */
const limitRangesIn = ({ cluster, namespace }: Look): Promise<LimitRange[]> =>
  cluster.limitRanges(namespace).catch(() => []);

async function podsOf({ cluster, namespace }: Look, live: Deployment): Promise<Pod[]> {
  const pods = await cluster.pods(namespace, selectorOf(live)).catch(() => []);
  return pods.filter(({ metadata }) => !metadata?.deletionTimestamp && selects(live, metadata?.labels));
}
