import { typeName, type Parsed } from "./parsed";

const subdomain = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Parses names of Secrets, with commas between them, or as a list. Empty text means none. The API server would accept any text. */
export function parseSecretNames(value: unknown): Parsed<string[]> {
  if (typeof value !== "string" && !Array.isArray(value)) return { wrong: `is ${typeName(value)}, not text` };
  const listed: unknown[] = typeof value === "string" ? value.split(",").filter(() => value !== "") : value;
  const names = listed.map((name) => String(name).trim());
  const bad = names.find((name) => !subdomain.test(name));
  if (bad !== undefined)
    return { wrong: `has "${bad}", which is no name of a Secret; write names with commas between` };
  const twice = names.find((name, index) => names.indexOf(name) < index);
  return twice === undefined ? { value: names } : { wrong: `has "${twice}" twice` };
}
