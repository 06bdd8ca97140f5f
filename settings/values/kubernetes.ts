import { fromText, typeName, type Parsed } from "./parsed";

// Values of Kubernetes' own grammar, as far as the API server does not judge it in the preflight.

/** Longest name of a Namespace or Service, and longest value of a label (RFC 1123, Kubernetes). */
const longestLabel = 63;

/**
 * Reads a name that has to be a DNS label. A Deployment's own name may be a longer subdomain. But authentik gives the
 * outpost's Service the same name, and a Service's is a label. Names that this program derives from the Deployment's
 * (`<deployment>-shm-cleanup`, up to 253 characters) then fit as well.
 */
export const parseDnsLabel = fromText((text): Parsed<string> =>
  text.length <= longestLabel && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text)
    ? { value: text }
    : { wrong: `is no DNS label (at most ${longestLabel} of a-z, 0-9 and -, a letter or digit at both ends)` },
);

/**
 * Reads an image reference with a tag or a digest: without either it means `latest`, which changes under a running fleet. The
 * kubelet judges its grammar, and a rollout that fails because of it is reported at once.
 */
export const parseImage = fromText((text): Parsed<string> =>
  // A colon before the last slash belongs to the registry's port.
  /(:[^/:@]+|@\w+:[0-9a-f]+)$/.test(text)
    ? { value: text }
    : { wrong: "has neither tag nor digest; write e.g. docker.io/library/busybox:1.37" },
);

const subdomain = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Reads names of Secrets, with commas between them, or as a list. Empty text means none. The API server would accept any text. */
export function parseSecretNames(value: unknown): Parsed<string[]> {
  if (typeof value !== "string" && !Array.isArray(value)) return { wrong: `is ${typeName(value)}, not text` };
  const names = listed(value).map((name) => String(name).trim());
  const bad = names.find((name) => !subdomain.test(name));
  if (bad !== undefined)
    return { wrong: `has "${bad}", which is no name of a Secret; write names with commas between` };
  const twice = names.find((name, index) => names.indexOf(name) < index);
  return twice === undefined ? { value: names } : { wrong: `has "${twice}" twice` };
}

const pairs = "write key=value, and commas between several, e.g. release=kube-prometheus-stack";

/** Reads labels, written like kubectl's selectors, or as an object. Empty text means none. */
export function parseLabels(value: unknown): Parsed<Record<string, string>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return { value: Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)])) };
  if (typeof value !== "string") return { wrong: `is ${typeName(value)}, not text; ${pairs}` };
  const labels: Record<string, string> = {};
  for (const pair of listed(value).map((text) => String(text).trim())) {
    const [key = "", text, ...rest] = pair.split("=");
    if (key === "" || text === undefined || rest.length > 0)
      return { wrong: `has "${pair}", which is no key=value; ${pairs}` };
    if (Object.hasOwn(labels, key)) return { wrong: `has the key "${key}" twice` };
    labels[key] = text;
  }
  return { value: labels };
}

const listed = (value: string | unknown[]): unknown[] => {
  if (typeof value !== "string") return value;
  return value === "" ? [] : value.split(",");
};
