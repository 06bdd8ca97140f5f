import { typeName, type Parsed } from "./parsed";

const NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const FORM = "write key=value, and commas between several, e.g. release=kube-prometheus-stack";

/** Labels of Kubernetes objects, written as kubectl's selectors are, or as an object. Empty text is none. */
export function parseLabels(value: unknown): Parsed<Record<string, string>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return parseLabels(
      Object.entries(value)
        .map(([key, text]) => `${key}=${String(text)}`)
        .join(","),
    );
  if (typeof value !== "string") return { wrong: `is ${typeName(value)}, not text; ${FORM}` };
  const labels: Record<string, string> = {};
  for (const pair of value.split(",").filter(() => value !== "")) {
    const [key = "", text, ...rest] = pair.trim().split("=");
    if (text === undefined || rest.length > 0) return { wrong: `has "${pair.trim()}", which is no key=value; ${FORM}` };
    if (!isKey(key)) return { wrong: `has the key "${key}", which no label of Kubernetes can have; ${FORM}` };
    if (text !== "" && !NAME.test(text))
      return { wrong: `has the value "${text}", which no label of Kubernetes can have; ${FORM}` };
    if (key in labels) return { wrong: `has the key "${key}" twice` };
    labels[key] = text;
  }
  return { value: labels };
}

function isKey(key: string): boolean {
  const [name = "", prefix, ...rest] = key.split("/").reverse();
  return rest.length === 0 && NAME.test(name) && (prefix === undefined || PREFIX.test(prefix));
}
