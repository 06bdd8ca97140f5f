/** Kubernetes quantities: the API server returns `1024Mi` as `1Gi`, which is no change. Pure. */
import type { Value } from "../properties";

// Where Kubernetes has quantities: any key below one of the maps, and the single fields.
const quantityMaps = new Set(["limits", "requests", "hard", "capacity", "overhead"]);
const quantityFields = new Set(["sizeLimit", "divisor"]);

const multipliers: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Whether both values are the same amount, at a path where Kubernetes has quantities. */
export function sameQuantity(path: readonly (string | number)[], left: Value, right: Value): boolean {
  const [parent, field] = path.slice(-2);
  if (!quantityMaps.has(String(parent)) && !quantityFields.has(String(field))) return false;
  const amount = amountOf(left);
  return amount !== undefined && amount === amountOf(right);
}

function amountOf(value: Value): number | undefined {
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  const [, number, suffix = ""] = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$/.exec(String(value)) ?? [];
  const multiplier = multipliers[suffix];
  return number === undefined || multiplier === undefined ? undefined : Number(number) * multiplier;
}
