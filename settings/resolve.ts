import { tokenFlaw } from "../authentik/requests";
import { readOutposts } from "./outposts";
import { Problems, SettingsError } from "./settingsError";
import { isGiven, type Raw, readFields, reportUnknownKeys, withoutUnset } from "./readFields";
import { checkCronJobUsage, checkThresholds, checkWatermarks } from "./rules";
import type { OutpostSettings, Settings } from "./types";
import { outpostRows, stackKeys, stackRows } from "./table";
import { parseText } from "./values/parsed";

/** Stands in for authentik's token where it is known to be there and nothing needs to read it. */
export const tokenHeld = "stored-as-a-secret";

/** Rules that not everyone who reads the settings needs. */
export interface Rules {
  /** False if nothing will call authentik's API, so that access to it may be missing. */
  authentikAccess: boolean;
}

/**
 * Turns stack config into settings, with every default and every rule applied. Pure.
 * @param given config keys without their namespace. Numbers and booleans may be text, as Pulumi passes them; lists and objects
 * are parsed.
 * @param secrets keys whose value was given as a secret. `authentikToken` must be one of them. Values of secrets appear in no
 * message.
 * @throws SettingsError with all problems at once
 */
export function resolveSettings(
  given: Raw,
  secrets: ReadonlySet<string> = new Set(),
  { authentikAccess }: Rules = { authentikAccess: true },
): Settings {
  const raw = withoutUnset(outpostRows, given);
  const problems = new Problems(new Set([...secrets, "authentikToken"]));
  reportUnknownKeys(raw, stackKeys, "", problems);
  if (!isGiven(raw, "namespace")) {
    problems.line("namespace", "missing; name the outposts' namespace with: pulumi config set namespace authentik");
  }
  const common = readFields(outpostRows, raw, "", problems);
  checkWatermarks({ name: "", given: raw, values: common }, problems);
  const outposts = readOutposts(raw, common, problems);
  const stack = readFields(stackRows, raw, "", problems);
  if (stack.monitoring && stack.alerts) checkThresholds(raw, stack, outposts, problems);
  checkCronJobUsage(raw, stack, outposts, problems);
  checkAuthentikToken(raw, secrets, problems);
  if (authentikAccess) checkAuthentikAccess(raw, outposts, problems);
  if (problems.lines.length > 0) throw new SettingsError(problems.lines);
  return { ...stack, outposts };
}

/**
 * Returns true unless the key is absent or empty. Pulumi.yaml can declare an optional key only with a default, so empty text
 * means not set.
 */
const isSet = (raw: Raw, key: string): boolean => isGiven(raw, key) && raw[key] !== "";

function checkAuthentikToken(raw: Raw, secrets: ReadonlySet<string>, problems: Problems): void {
  const key = "authentikToken";
  if (!isSet(raw, key)) return;
  const text = parseText(raw[key]);
  if (!secrets.has(key)) {
    problems.line(
      key,
      "stored in plain text; revoke it in authentik, then store a new one with: pulumi config set --secret authentik-outpost-shm:authentikToken",
    );
    return;
  }
  const wrong = "wrong" in text ? text.wrong : tokenFlaw(text.value);
  if (wrong) problems.value(key, raw[key], wrong);
}

/** Requires access to authentik for its delivery whatever the solution, so that changing the solution asks for nothing new. */
function checkAuthentikAccess(raw: Raw, outposts: readonly OutpostSettings[], problems: Problems): void {
  const places = outposts.flatMap(({ delivery }, index) => (delivery === "authentik" ? `outposts[${index}]` : []));
  if (places.length === 0) return;
  const why = `delivery authentik (${places.join(", ")}) needs it`;
  const missing = {
    authentikUrl: "authentikUrl https://auth.example.com",
    authentikToken: "--secret authentik-outpost-shm:authentikToken",
  };
  for (const [key, how] of Object.entries(missing))
    if (!isSet(raw, key)) problems.line(key, `missing, and ${why}; set it with: pulumi config set ${how}`);
}
