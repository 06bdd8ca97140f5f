// Text that whoever runs in a pod, or answers in somebody's place, can choose freely.

/** Longest text that is taken from one command or log, in bytes. A sweep prints less than a kilobyte. */
export const longestText = 1024 * 1024;

/** Characters that a terminal obeys instead of showing them: control characters but for line breaks and tabs, and changes of direction. */
// eslint-disable-next-line no-control-regex
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Returns the text with a question mark for every character that a terminal would obey. */
export const printable = (text: string): string => text.replaceAll("\r\n", "\n").replace(obeyed, "?");

/** Does the same with every text in a value. */
export function allPrintable<T>(value: T): T {
  if (typeof value === "string") return printable(value) as T;
  if (Array.isArray(value)) return value.map((each: unknown) => allPrintable(each)) as T;
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  for (const [key, each] of Object.entries(value)) (value as Record<string, unknown>)[key] = allPrintable(each);
  return value;
}
