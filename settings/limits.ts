import { formatDuration } from "./values/duration";
import type { OUTPOST_FIELDS, ValuesOf } from "./table";
import type { Problems } from "./problems";
import { isGiven, keyIn, type Raw } from "./readFields";

type Values = ValuesOf<typeof OUTPOST_FIELDS>;

/** One place where sweep limits are given, with the values in force there and the place those not given come from. */
interface Place {
  readonly name: string;
  readonly given: Raw;
  readonly values: Values;
  readonly parent?: string;
}

/**
 * Rules between two settings, judged wherever at least one of the two is given: the fault is named where it was made,
 * not again at every outpost that inherits it.
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
  if (authenticatedMaxAge < anonymousMaxAge) {
    const why = "logins must not go before visitors who never logged in";
    report(place, problems, {
      lower: {
        key: "anonymousMaxAge",
        wrong: `is above authenticatedMaxAge (${formatDuration(authenticatedMaxAge)}); ${why}`,
      },
      upper: {
        key: "authenticatedMaxAge",
        wrong: `is below anonymousMaxAge (${formatDuration(anonymousMaxAge)}); ${why}`,
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
