import type { TokenValidity } from "../authentik/optionalAnswers";
import { releasesOf } from "../authentik/releases";
import type { Deployment } from "../kubernetes/types";
import type { OutpostSettings } from "../settings/types";
import { formatDuration, seconds } from "../settings/values/duration";
import { nothing, warning, type Findings } from "./findings";
import type { Look } from "./look";

/** Finds providers whose logins are to live longer than the sweep lets them. Says nothing where authentik does not tell. */
export async function inspectTokenValidity(
  { authentik }: Pick<Look, "authentik">,
  settings: OutpostSettings,
  live: Deployment | undefined,
): Promise<Findings> {
  if (!authentik || settings.solution === "none" || knowsExpiry(settings, live)) return nothing;
  const limit = seconds(settings.authenticatedMaxAge);
  const longer = (await authentik.tokenValidities(settings.name))
    .filter(({ validity }) => seconds(validity) > limit)
    .sort((a, b) => seconds(b.validity) - seconds(a.validity));
  return longer.length > 0 ? warning(loggedOutEarly(settings, longer)) : nothing;
}

function knowsExpiry({ container }: OutpostSettings, live: Deployment | undefined): boolean {
  const found = live?.spec?.template.spec?.containers.find(({ name }) => name === container);
  return releasesOf(found?.image)?.statesExpiry === true;
}

/** Number of providers that a message names. */
const named = 3;

function loggedOutEarly({ name, authenticatedMaxAge }: OutpostSettings, longer: TokenValidity[]): string {
  const shown = longer
    .slice(0, named)
    .map(({ provider, validity }) => `"${provider}": ${validity}, that is ${formatDuration(seconds(validity))}`);
  const more = longer.length > named ? `; and ${longer.length - named} more` : "";
  return (
    `outpost "${name}": people are logged out early. authenticatedMaxAge is ${authenticatedMaxAge}, and authentik lets a login live longer ` +
    `(access_token_validity of ${shown.join("; ")}${more}). ` +
    `Raise authenticatedMaxAge to that, or shorten the validity in authentik.`
  );
}
