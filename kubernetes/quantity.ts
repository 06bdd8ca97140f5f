import type { Parsed } from "../settings/values/parsed";

// Kubernetes' units of memory, from https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
const BINARY_UNITS = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL_UNITS = ["k", "M", "G", "T", "P", "E"];
const FORM = "write e.g. 256Mi or 1Gi";

/**
 * Reads the size of a /dev/shm. A unit is a must: 64 alone would be 64 bytes to Kubernetes.
 * @returns the size in Kubernetes' canonical form (`0.5Gi` is `512Mi`), so that what a refresh reads back equals what was asked for
 */
export function parseSize(text: string, smallest: string, largest: string): Parsed<string> {
  if (!/^\d+(\.\d+)?([KMGT]i|[kMGT])$/.test(text)) return { wrong: `${flawOf(text)}; ${FORM}` };
  const bytes = quantityBytes(text);
  if (bytes === undefined || !Number.isInteger(bytes)) return { wrong: `is no whole number of bytes; ${FORM}` };
  if (bytes < (quantityBytes(smallest) ?? 0)) {
    return { wrong: `is too small; the smallest is ${smallest}, which a pod's /dev/shm has without this program` };
  }
  if (bytes > (quantityBytes(largest) ?? Infinity)) {
    return { wrong: `is too large; the largest is ${largest}, for every page of it is the node's memory` };
  }
  return {
    value: canonical(
      bytes,
      text.endsWith("i") ? { units: BINARY_UNITS, base: 1024 } : { units: DECIMAL_UNITS, base: 1000 },
    ),
  };
}

/** Bytes of any Kubernetes memory quantity (`1Gi`, `500M`, `129e6`, `128974848`, `1500m`), or undefined where it is none. */
export function quantityBytes(quantity: string): number | undefined {
  const match = /^\+?(\d+\.?\d*|\.\d+)(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,2}))?$/.exec(quantity);
  if (match === null) return undefined;
  const [, digits = "", unit = "", exponent = "0"] = match;
  const fraction = { n: 1e9, u: 1e6, m: 1e3 }[unit];
  if (fraction !== undefined) return Number(digits) / fraction;
  const binary = BINARY_UNITS.indexOf(unit) + 1;
  const decimal = DECIMAL_UNITS.indexOf(unit) + 1;
  // Scaled by text (`1.1e6`), decimal units are exact; 1.1 * 1e6 is not.
  return Number(`${digits}e${Number(exponent) + 3 * decimal}`) * 1024 ** binary;
}

function canonical(bytes: number, { units, base }: { units: string[]; base: number }): string {
  let count = bytes;
  let power = 0;
  while (count % base === 0 && power < units.length) {
    count /= base;
    power += 1;
  }
  return `${count}${power === 0 ? "" : units[power - 1]}`;
}

function flawOf(text: string): string {
  if (/^\d+(\.\d+)?$/.test(text)) return "has no unit";
  const guess = /^(\d+(?:\.\d+)?)\s*([kmgt])i?b?$/i.exec(text);
  const unit = guess?.[2]?.toUpperCase();
  return guess && unit ? `is no Kubernetes quantity (did you mean ${guess[1]}${unit}i?)` : "is no size";
}
