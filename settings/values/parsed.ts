/** Result of a parser: the typed value, or the mistake as the rest of a sentence ("has no unit; …"). */
export type Parsed<T> = { readonly value: T } | { readonly wrong: string };

/** Names the JSON type of a value in words, for messages. */
export function typeName(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return (
    { object: "an object", string: "text", number: "a number", boolean: "a boolean" }[typeof value as string] ??
    "nothing"
  );
}

/**
 * Parses text. Numbers pass as text: `pulumi config set --path` stores anything that looks like a number as one, so an outpost
 * named `123` arrives as 123.
 */
export function parseText(value: unknown): Parsed<string> {
  if (typeof value === "number") return { value: String(value) };
  if (typeof value !== "string") return { wrong: value === null ? "is not text" : `is ${typeName(value)}, not text` };
  return value.trim() === "" ? { wrong: "is empty" } : { value };
}

/** Turns a parser of text into a parser of any value. */
export function fromText<T>(parse: (text: string) => Parsed<T>): (value: unknown) => Parsed<T> {
  return (value) => {
    const text = parseText(value);
    return "wrong" in text ? text : parse(text.value);
  };
}

/** Parses `true` or `false`, also as text, since Pulumi passes top-level values that way. */
export function parseBoolean(value: unknown): Parsed<boolean> {
  if (value === true || value === "true") return { value: true };
  if (value === false || value === "false") return { value: false };
  return { wrong: "is neither true nor false" };
}

/** Parses a whole number within bounds (both included), also as text. */
export function parseInteger(value: unknown, lowest: number, highest: number): Parsed<number> {
  const text = typeof value === "number" ? String(value) : value;
  const number = typeof text === "string" && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (number !== undefined && number >= lowest && number <= highest) return { value: number };
  return { wrong: `is no whole number from ${lowest} to ${highest}` };
}
