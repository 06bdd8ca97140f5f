// Kubernetes' units of memory, from https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
const binaryUnits = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const decimalUnits = ["k", "M", "G", "T", "P", "E"];

/**
 * Returns the bytes of any Kubernetes memory quantity (`1Gi`, `500M`, `129e6`, `128974848`, `1500m`); undefined if it is none.
 */
export function quantityBytes(quantity: string): number | undefined {
  const match = /^\+?(\d+\.?\d*|\.\d+)(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,2}))?$/.exec(quantity);
  if (match === null) return undefined;
  const [, digits = "", unit = "", exponent = "0"] = match;
  const fraction = { n: 1e9, u: 1e6, m: 1e3 }[unit];
  if (fraction !== undefined) return Number(digits) / fraction;
  const binary = binaryUnits.indexOf(unit) + 1;
  const decimal = decimalUnits.indexOf(unit) + 1;
  // Scaled by text (`1.1e6`), decimal units are exact; 1.1 * 1e6 is not.
  return Number(`${digits}e${Number(exponent) + 3 * decimal}`) * 1024 ** binary;
}

/** Formats bytes as Kubernetes itself does, in binary or decimal units: `0.5Gi` is `512Mi`. */
export function canonicalQuantity(bytes: number, form: "binary" | "decimal"): string {
  const [units, base] = form === "binary" ? [binaryUnits, 1024] : [decimalUnits, 1000];
  let count = bytes;
  let power = 0;
  while (count % base === 0 && power < units.length) {
    count /= base;
    power += 1;
  }
  return `${count}${power === 0 ? "" : units[power - 1]}`;
}
