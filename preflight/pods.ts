import { selects } from "../kubernetes/podsOfDeployment";
import type { Deployment, Pod } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/types";
import { memoryWarning } from "../podPatch/memoryLimit";
import { cronJobUserWarning, userProblem, userWarning } from "../podPatch/user";
import { nothing, warning, type Findings } from "./findings";
import type { Look } from "./look";

/** Judges what the outpost's pods really get, which the Deployment may not show: a memory limit, and a user. */
export function inspectPods(look: Look, settings: OutpostSettings, live: Deployment): Findings {
  const { limitRanges } = look;
  const pods = podsOf(look, live);
  const wrong = userProblem(settings, live, pods);
  const doubtful = [userWarning(settings, live, pods), memoryWarning(settings, live, { limitRanges, pods })];
  return { problems: wrong ? [wrong] : [], warnings: doubtful.filter((text) => text !== undefined) };
}

/** Judges the user of the CronJob's own pods, which run where the outpost's do. */
export function inspectCronJobUser(look: Look, settings: OutpostSettings, live: Deployment): Findings {
  const text = cronJobUserWarning(settings, live, podsOf(look, live));
  return text === undefined ? nothing : warning(text);
}

const podsOf = ({ pods }: Look, live: Deployment): Pod[] =>
  pods.filter(({ metadata }) => !metadata?.deletionTimestamp && selects(live, metadata?.labels));
