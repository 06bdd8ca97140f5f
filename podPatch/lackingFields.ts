import { isDeepStrictEqual } from "node:util";
import { quantityBytes } from "../kubernetes/quantity";

type Element = { name?: string; mountPath?: string };

/**
 * Lists the paths of the fields that a live value lacks or has differently. It may have more. The elements of a list are found by
 * their name, or by their place if they have none.
 */
export function lackingFields(wanted: unknown, found: unknown, path: string): string[] {
  if (typeof wanted !== "object" || wanted === null || typeof found !== "object" || found === null) {
    const isSame = isDeepStrictEqual(wanted, found) || (path.endsWith(".sizeLimit") && isSameQuantity(wanted, found));
    return isSame ? [] : [path];
  }
  if (!Array.isArray(wanted))
    return Object.entries(wanted).flatMap(([key, value]) =>
      lackingFields(value, (found as Record<string, unknown>)[key], `${path}.${key}`),
    );
  return wanted.flatMap((element: unknown, index) => {
    const { name, mountPath } = element as Element;
    const elements = found as Element[];
    const named = elements.filter((each) => each.name === name);
    // One volume may be mounted at two places.
    const other =
      name === undefined ? elements[index] : (named.find((each) => each.mountPath === mountPath) ?? named[0]);
    return lackingFields(element, other, `${path}[${name ?? index}]`);
  });
}

/** The API server writes a quantity in its own way. */
const isSameQuantity = (a: unknown, b: unknown): boolean => quantityBytes(String(a)) === quantityBytes(String(b));
