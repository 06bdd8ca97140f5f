import { outpostContainer } from "../authentik/names";
import type { Problems } from "./settingsError";
import { isGiven, keyIn, type Raw } from "./readFields";
import type { ValuesOf } from "./row";
import { hasCronJob, hasSidecar, type OutpostSettings, type Settings } from "./types";
import type { outpostRows } from "./table";

type Values = ValuesOf<typeof outpostRows>;

/** A place that can set sweep limits, with the values in force there. Limits that it does not set come from its parent. */
interface Place {
  readonly name: string;
  readonly given: Raw;
  readonly values: Values;
  readonly parent?: string;
}

/**
 * Rejects a low watermark that is not below the high one, at every place that sets at least one of the two. So a mistake is
 * reported once, not again for every outpost that inherits it.
 */
export function checkWatermarks({ name, given, values, parent }: Place, problems: Problems): void {
  const { highWatermark, lowWatermark } = values;
  const keys = ["lowWatermark", "highWatermark"] as const;
  const isBroken = (key: (typeof keys)[number]): boolean => {
    const origin = isGiven(given, key) ? name : parent;
    return origin !== undefined && problems.has(keyIn(origin, key));
  };
  const culprit = keys.find((key) => isGiven(given, key));
  if (lowWatermark < highWatermark || culprit === undefined || keys.some(isBroken)) return;
  const wrong = {
    lowWatermark: `is not below highWatermark (${highWatermark})`,
    highWatermark: `is not above lowWatermark (${lowWatermark})`,
  };
  const why = "a sweep under pressure starts at highWatermark and stops at lowWatermark, e.g. 80 and 60";
  problems.value(keyIn(name, culprit), given[culprit], `${wrong[culprit]}; ${why}`);
}

/** Rejects another container than authentik's where authentik itself deploys the sidecar. */
export function checkContainer(place: string, given: Raw, values: Values, problems: Problems): void {
  if (values.delivery !== "authentik" || values.container === outpostContainer) return;
  const wrong = `is not ${outpostContainer}, as authentik names it in the Deployments that delivery authentik is for; take it out, or set delivery to deployment`;
  problems.value(keyIn(place, "container"), given.container ?? values.container, wrong);
}

/** Rejects a critical usage at which runs of the CronJob would fail though the sweep did all that it is there for. */
export function checkCronJobUsage(
  raw: Raw,
  { usageCritical }: Pick<Settings, "usageCritical">,
  outposts: readonly OutpostSettings[],
  problems: Problems,
): void {
  const highest = Math.max(...outposts.filter(hasCronJob).map(({ highWatermark }) => highWatermark));
  if (usageCritical >= highest || problems.has("usageCritical")) return;
  const why = `so full a run of the CronJob may leave /dev/shm, and would fail; set it to ${highest} or more`;
  problems.value("usageCritical", raw.usageCritical ?? usageCritical, `is below highWatermark (${highest}): ${why}`);
}

/** Rejects thresholds at which an alert would fire while everything works as configured. */
export function checkThresholds(
  raw: Raw,
  { usageWarning, usageCritical }: Pick<Settings, "usageWarning" | "usageCritical">,
  outposts: readonly OutpostSettings[],
  problems: Problems,
): void {
  if (problems.has("usageWarning") || problems.has("usageCritical")) return;
  if (usageWarning > usageCritical) {
    problems.value("usageWarning", raw.usageWarning ?? usageWarning, `is above usageCritical (${usageCritical})`);
  }
  const highest = Math.max(...outposts.filter(hasSidecar).map(({ highWatermark }) => highWatermark));
  if (usageWarning < highest) {
    const why = `so full the sweep lets /dev/shm get before it acts; set it to ${highest} or more, or alerts to false`;
    problems.value("usageWarning", raw.usageWarning ?? usageWarning, `is below highWatermark (${highest}): ${why}`);
  }
}
