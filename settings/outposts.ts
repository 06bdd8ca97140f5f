import { deploymentName } from "../authentik/names";
import { slugify } from "../authentik/slug";
import type { Problems } from "./problems";
import { isGiven, keyIn, type Raw, readFields, reportUnknownKeys, retired } from "./readFields";
import { checkWatermarks } from "./rules";
import { hasCronJob, type OutpostSettings } from "./settings";
import { outpostKeys, outpostRows, stackKeys, type ValuesOf } from "./table";
import { DNS_LABEL_MAX, DNS_LABEL_RULE, isDnsLabel, parseDnsLabel } from "./values/dnsLabel";
import { nearest } from "./values/nearest";
import { fromText, parseText, typeName } from "./values/parsed";

type Values = ValuesOf<typeof outpostRows>;

/** An outpost as read, with the keys to report its problems under. */
interface Entry {
  readonly settings: OutpostSettings;
  readonly place: string;
  readonly nameKey: string;
  readonly deploymentKey: string;
}

const HOW_TO_ADD = `add one with: pulumi config set --path 'outposts[0]' "<name in authentik>"`;

/**
 * Reads the list of outposts, each over the stack's values. It returns one for every entry: anything unreadable is reported and
 * left empty.
 */
export function readOutposts(given: unknown, stackValues: Values, problems: Problems): OutpostSettings[] {
  if (given === undefined) {
    problems.line("outposts", `missing; ${HOW_TO_ADD}`);
    return [];
  }
  if (!Array.isArray(given)) {
    problems.value("outposts", given, `is ${typeName(given)}, not a list; ${HOW_TO_ADD}`);
    return [];
  }
  if (given.length === 0) problems.value("outposts", given, `is empty; ${HOW_TO_ADD}`);
  const entries = given.map((each, index) => readEntry(each, `outposts[${index}]`, stackValues, problems));
  reportDuplicates(entries, problems);
  return entries.map((entry) => entry.settings);
}

function readEntry(given: unknown, place: string, stackValues: Values, problems: Problems): Entry {
  const isObject = typeof given === "object" && given !== null && !Array.isArray(given);
  const raw: Raw = isObject ? (given as Raw) : { name: given };
  const nameKey = isObject ? `${place}.name` : place;
  reportUnknownKeys(raw, outpostKeys, place, problems, adviseOnStackKey);
  const values = readFields(outpostRows, raw, place, problems, stackValues);
  checkWatermarks({ name: place, given: raw, values, parent: "" }, problems);
  const name = readName(raw, nameKey, problems);
  const slug = slugify(name);
  const deployment = readDeployment(raw, { name, slug }, { place, nameKey }, problems);
  checkSlug(slug, values, { key: nameKey, name }, problems);
  const deploymentKey = isGiven(raw, "deployment") ? keyIn(place, "deployment") : nameKey;
  return { settings: { name, slug, deployment, ...values }, place, nameKey, deploymentKey };
}

/** Advises on a key that is the stack's, not an outpost's. */
function adviseOnStackKey(key: string): string | undefined {
  const meant = nearest(key, stackKeys);
  return retired.get(key) ?? (meant && `${meant} holds for the whole stack, so set it beside outposts`);
}

function readName(raw: Raw, key: string, problems: Problems): string {
  const what = "give the outpost's name as authentik shows it";
  if (!isGiven(raw, "name")) {
    problems.line(key, `missing; ${what}`);
    return "";
  }
  const name = parseText(raw.name);
  if (!("wrong" in name)) return name.value;
  problems.value(key, raw.name, `${name.wrong}; ${what}, or an object with name and overrides`);
  return "";
}

/** Returns the given name, or the one that authentik's default object_naming_template makes. */
function readDeployment(
  raw: Raw,
  { name, slug }: { name: string; slug: string },
  { place, nameKey }: { place: string; nameKey: string },
  problems: Problems,
): string {
  if (isGiven(raw, "deployment")) {
    const parsed = fromText(parseDnsLabel)(raw.deployment);
    if (!("wrong" in parsed)) return parsed.value;
    problems.value(keyIn(place, "deployment"), raw.deployment, parsed.wrong);
    return "";
  }
  const deployment = deploymentName(slug);
  if (isDnsLabel(deployment)) return deployment;
  if (!problems.has(nameKey)) {
    const wrong = `gives the Deployment "${deployment}", which is no DNS label (${DNS_LABEL_RULE})`;
    problems.value(nameKey, name, `${wrong}; give the real one: {"name": …, "deployment": …}`);
  }
  return "";
}

/** Checks the slug, since it is the value of the label by which the CronJob finds the outpost's pods. */
function checkSlug(
  slug: string,
  values: Values,
  { key, name }: { key: string; name: string },
  problems: Problems,
): void {
  if (problems.has(key)) return;
  if (slug.length > DNS_LABEL_MAX) {
    problems.value(
      key,
      name,
      `has a slug of ${slug.length} characters, and a pod's label holds ${DNS_LABEL_MAX}; rename the outpost in authentik`,
    );
  }
  if (slug === "" && hasCronJob(values)) {
    problems.value(
      key,
      name,
      `has an empty slug, so the CronJob has no label to find its pods by; choose solution sidecar or none, or rename the outpost in authentik`,
    );
  }
}

function reportDuplicates(entries: readonly Entry[], problems: Problems): void {
  const bySlug = new Map<string, Entry>();
  const byDeployment = new Map<string, Entry>();
  for (const entry of entries) {
    const { name, slug, deployment } = entry.settings;
    const sameSlug = slug === "" ? undefined : bySlug.get(slug);
    const sameDeployment = deployment === "" ? undefined : byDeployment.get(deployment);
    if (sameSlug) {
      problems.value(entry.nameKey, name, `is listed twice: ${sameSlug.place} has the same slug "${slug}"`);
    } else if (sameDeployment) {
      const value = entry.deploymentKey === entry.nameKey ? name : deployment;
      problems.value(
        entry.deploymentKey,
        value,
        `is listed twice: ${sameDeployment.place} has the same Deployment "${deployment}"`,
      );
    }
    if (!sameSlug) bySlug.set(slug, entry);
    if (!sameDeployment) byDeployment.set(deployment, entry);
  }
}
