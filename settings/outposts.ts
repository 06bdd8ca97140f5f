import { deploymentName } from "../authentik/names";
import type { Problems } from "./settingsError";
import { isGiven, keyIn, type Raw, readFields, reportUnknownKeys, retired } from "./readFields";
import type { ValuesOf } from "./row";
import { checkContainer, checkWatermarks } from "./rules";
import type { OutpostSettings } from "./types";
import { outpostKeys, outpostRows, stackKeys } from "./table";
import { parseDnsLabel } from "./values/kubernetes";
import { nearest } from "./values/nearest";
import { parseText, typeName } from "./values/parsed";

type Values = ValuesOf<typeof outpostRows>;

/** An outpost as read, with the keys to report its problems under. */
interface Entry {
  readonly settings: OutpostSettings;
  readonly raw: Raw;
  readonly place: string;
  readonly nameKey: string;
  readonly deploymentKey: string;
}

const HOW_TO_ADD = `add one with: pulumi config set --path 'outposts[0]' "<name in authentik>"`;

/**
 * Reads the list of outposts out of the stack's config, each over the stack's values. It returns one for every entry: anything
 * unreadable is reported and left empty.
 */
export function readOutposts(stack: Raw, stackValues: Values, problems: Problems): OutpostSettings[] {
  const given = stack.outposts;
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
  return entries.map(({ settings, raw }) => ({
    ...settings,
    ...((isGiven(raw, "shmSize") || isGiven(stack, "shmSize")) && { shmSizeGiven: true }),
  }));
}

function readEntry(given: unknown, place: string, stackValues: Values, problems: Problems): Entry {
  const isObject = typeof given === "object" && given !== null && !Array.isArray(given);
  const raw: Raw = isObject ? (given as Raw) : { name: given };
  const nameKey = isObject ? `${place}.name` : place;
  reportUnknownKeys(raw, outpostKeys, place, problems, adviseOnStackKey);
  const values = readFields(outpostRows, raw, place, problems, stackValues);
  checkWatermarks({ name: place, given: raw, values, parent: "" }, problems);
  const name = readName(raw, nameKey, problems);
  checkContainer(place, raw, values, problems);
  const deployment = readDeployment(raw, name, place, problems);
  const deploymentKey = isGiven(raw, "deployment") ? keyIn(place, "deployment") : nameKey;
  return { settings: { name, deployment, ...values }, raw, place, nameKey, deploymentKey };
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

/** Returns the given name, or the one that authentik makes by its default object_naming_template. */
function readDeployment(raw: Raw, name: string, place: string, problems: Problems): string {
  if (!isGiven(raw, "deployment")) return deploymentName(name);
  const parsed = parseDnsLabel(raw.deployment);
  if (!("wrong" in parsed)) return parsed.value;
  problems.value(keyIn(place, "deployment"), raw.deployment, parsed.wrong);
  return "";
}

function reportDuplicates(entries: readonly Entry[], problems: Problems): void {
  for (const [index, { settings, nameKey, deploymentKey }] of entries.entries()) {
    const { name, deployment } = settings;
    const earlier = entries.slice(0, index);
    const sameName = name !== "" && earlier.find((other) => other.settings.name === name);
    const sameDeployment = name !== "" && earlier.find((other) => other.settings.deployment === deployment);
    if (sameName) problems.value(nameKey, name, `is listed twice: ${sameName.place} has the same name`);
    else if (sameDeployment && deployment !== "") {
      const value = deploymentKey === nameKey ? name : deployment;
      const wrong = `is listed twice: ${sameDeployment.place} has the same Deployment "${deployment}"`;
      problems.value(deploymentKey, value, wrong);
    }
  }
}
