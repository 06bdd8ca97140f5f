import type { Parsed } from "./parsed";

/** Longest name of a Namespace or Service, and longest value of a label (RFC 1123, Kubernetes). */
export const DNS_LABEL_MAX = 63;

/** Definition of a DNS label, for messages. */
export const DNS_LABEL_RULE = `at most ${DNS_LABEL_MAX} of a-z, 0-9 and -, a letter or digit at both ends`;

export function isDnsLabel(text: string): boolean {
  return text.length <= DNS_LABEL_MAX && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/**
 * Parses a name that has to be a DNS label. A Deployment's own name may be a longer subdomain. But authentik gives the
 * outpost's Service the same name, and a Service's is a label. Names that this program derives from the Deployment's
 * (`<deployment>-shm-cleanup`, up to 253 characters) then fit as well.
 */
export function parseDnsLabel(text: string): Parsed<string> {
  return isDnsLabel(text) ? { value: text } : { wrong: `is no DNS label (${DNS_LABEL_RULE})` };
}
