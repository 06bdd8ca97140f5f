import { selects } from "../kubernetes/podsOfDeployment";
import type { Deployment } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/types";
import { memoryWarning } from "../podPatch/memoryLimit";
import { userProblem, userWarning } from "../podPatch/user";
import type { Findings } from "./findings";
import type { Look } from "./look";

/** Judges what the outpost's pods really get, which the Deployment may not show: a memory limit, and a user. */
export function inspectPods({ limitRanges, pods: all }: Look, settings: OutpostSettings, live: Deployment): Findings {
  const pods = all.filter(({ metadata }) => !metadata?.deletionTimestamp && selects(live, metadata?.labels));
  const wrong = userProblem(settings, live, pods);
  const doubtful = [userWarning(settings, live, pods), memoryWarning(settings, live, { limitRanges, pods })];
  return { problems: wrong ? [wrong] : [], warnings: doubtful.filter((text) => text !== undefined) };
}
