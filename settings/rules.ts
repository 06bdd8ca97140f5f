import type { Problems } from "./problems";
import { isGiven, keyIn, type Raw } from "./readFields";
import { hasSidecar, type OutpostSettings, type Settings } from "./settings";
import type { outpostRows, ValuesOf } from "./table";
import { seconds } from "./values/duration";

type Values = ValuesOf<typeof outpostRows>;

/** A place that can set sweep limits, with the values in force there. Limits that it does not set come from its parent. */
interface Place {
  readonly name: string;
  readonly given: Raw;
  readonly values: Values;
  readonly parent?: string;
}

/**
 * Checks rules between two settings, at every place that sets at least one of the two. So a mistake is reported once, not again
 * for every outpost that inherits it.
 */
export function checkLimits(place: Place, problems: Problems): void {
  const { highWatermark, lowWatermark, anonymousMaxAge, authenticatedMaxAge } = place.values;
  if (lowWatermark >= highWatermark) {
    const why = "a sweep under pressure starts at highWatermark and stops at lowWatermark, e.g. 80 and 60";
    report(place, problems, {
      lower: { key: "lowWatermark", wrong: `is not below highWatermark (${highWatermark}); ${why}` },
      upper: { key: "highWatermark", wrong: `is not above lowWatermark (${lowWatermark}); ${why}` },
    });
  }
  if (seconds(authenticatedMaxAge) < seconds(anonymousMaxAge)) {
    const why = "logins must not go before visitors who never logged in";
    report(place, problems, {
      lower: {
        key: "anonymousMaxAge",
        wrong: `is above authenticatedMaxAge (${authenticatedMaxAge}); ${why}`,
      },
      upper: {
        key: "authenticatedMaxAge",
        wrong: `is below anonymousMaxAge (${anonymousMaxAge}); ${why}`,
      },
    });
  }
}

interface Side {
  readonly key: keyof Values;
  readonly wrong: string;
}

function report({ name, given, parent }: Place, problems: Problems, pair: { lower: Side; upper: Side }): void {
  const sides = [pair.lower, pair.upper];
  const isBroken = ({ key }: Side): boolean => {
    const origin = isGiven(given, key) ? name : parent;
    return origin !== undefined && problems.has(keyIn(origin, key));
  };
  const culprit = sides.find(({ key }) => isGiven(given, key));
  if (culprit === undefined || sides.some(isBroken)) return;
  problems.value(keyIn(name, culprit.key), given[culprit.key], culprit.wrong);
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
