import { canonicalQuantity, quantityBytes } from "../../kubernetes/quantity";
import type { Parsed } from "./parsed";

const form = "write e.g. 256Mi or 1Gi";
/** A container runtime gives as much anyway. */
const smallest = 64 * 1024 ** 2;
/** Holds four million sessions. */
const largest = 16 * 1024 ** 3;

/**
 * Reads the size of a /dev/shm, from 64Mi to 16Gi. A unit is required: Kubernetes would read 64 alone as 64 bytes.
 * @returns the size in Kubernetes' canonical form (`0.5Gi` is `512Mi`), so that a refresh reads back what was asked for
 */
export function parseSize(text: string): Parsed<string> {
  if (!/^\d+(\.\d+)?([KMGT]i|[kMGT])$/.test(text)) return { wrong: `${flawOf(text)}; ${form}` };
  const bytes = quantityBytes(text);
  if (bytes === undefined || !Number.isInteger(bytes)) return { wrong: `is no whole number of bytes; ${form}` };
  if (bytes < smallest)
    return { wrong: "is too small; the smallest is 64Mi, which a pod's /dev/shm has without this program" };
  if (bytes > largest) return { wrong: "is too large; the largest is 16Gi, for every page of it is the node's memory" };
  return { value: canonicalQuantity(bytes, text.endsWith("i") ? "binary" : "decimal") };
}

function flawOf(text: string): string {
  if (/^\d+(\.\d+)?$/.test(text)) return "has no unit";
  const guess = /^(\d+(?:\.\d+)?)\s*([kmgt])i?b?$/i.exec(text);
  const unit = guess?.[2]?.toUpperCase();
  return guess && unit ? `is no Kubernetes quantity (did you mean ${guess[1]}${unit}i?)` : "is no size";
}
