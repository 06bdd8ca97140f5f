import { typeName, type Parsed } from "./parsed";

const FORM = "write key=value, and commas between several, e.g. release=kube-prometheus-stack";

/**
 * Parses labels of Kubernetes objects, written like kubectl's selectors, or as an object. Empty text means none. The API server
 * judges their grammar, in the preflight.
 */
export function parseLabels(value: unknown): Parsed<Record<string, string>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return { value: Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)])) };
  if (typeof value !== "string") return { wrong: `is ${typeName(value)}, not text; ${FORM}` };
  const labels: Record<string, string> = {};
  for (const pair of value.split(",").filter(() => value !== "")) {
    const [key = "", text, ...rest] = pair.trim().split("=");
    if (key === "" || text === undefined || rest.length > 0)
      return { wrong: `has "${pair.trim()}", which is no key=value; ${FORM}` };
    if (key in labels) return { wrong: `has the key "${key}" twice` };
    labels[key] = text;
  }
  return { value: labels };
}
