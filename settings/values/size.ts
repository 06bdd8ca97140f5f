import { canonicalQuantity, quantityBytes } from "../../kubernetes/quantity";
import type { Parsed } from "./parsed";

const FORM = "write e.g. 256Mi or 1Gi";

/**
 * Reads the size of a /dev/shm. A unit is required: Kubernetes would read 64 alone as 64 bytes.
 * @returns the size in Kubernetes' canonical form (`0.5Gi` is `512Mi`), so that a refresh reads back what was asked for
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
  return { value: canonicalQuantity(bytes, text.endsWith("i") ? "binary" : "decimal") };
}

function flawOf(text: string): string {
  if (/^\d+(\.\d+)?$/.test(text)) return "has no unit";
  const guess = /^(\d+(?:\.\d+)?)\s*([kmgt])i?b?$/i.exec(text);
  const unit = guess?.[2]?.toUpperCase();
  return guess && unit ? `is no Kubernetes quantity (did you mean ${guess[1]}${unit}i?)` : "is no size";
}
