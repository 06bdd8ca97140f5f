/** Choices of {@link typedValue}. */
export interface CelOptions {
  /** Fields whose value is a map, written without a type. */
  maps: readonly string[];
  /** Texts that an expression stands for, such as a variable. */
  named: Readonly<Record<string, string>>;
}

/** Longest line that an object or a list is kept on. */
const width = 100;

/** Writes a text as a literal of CEL, whose escapes are a superset of JSON's. Half a surrogate pair is replaced as UTF-8 does. */
export const textLiteral = (text: string): string => JSON.stringify(Buffer.from(text).toString());

/** Writes a text of several lines so that they can be read, if it has no character that would need an escape. */
export function textBlock(text: string): string {
  const isPlain = /^[\t\n\x20-\x7e]*$/.test(text) && !text.includes('"""') && !text.endsWith('"');
  return isPlain && text.includes("\n") ? `r"""${text}"""` : textLiteral(text);
}

/**
 * Writes a value as CEL whose objects have types, such as `Object.spec.volumes{name: "dshm"}`. A policy's patch requires these,
 * and takes them where an apply configuration would refuse an atomic list.
 * @param type of the value, or of the elements of a list
 */
export function typedValue(value: unknown, type: string, options: CelOptions, indent = ""): string {
  if (typeof value === "string") return options.named[value] ?? textLiteral(value);
  if (typeof value === "boolean" || Number.isSafeInteger(value)) return String(value);
  if (Array.isArray(value)) {
    const items = (deeper: string) => value.map((item) => typedValue(item, type, options, deeper));
    return bracketed(["[", "]"], items, indent);
  }
  if (typeof value !== "object" || value === null) throw new Error(`no value of a policy: ${String(value)}`);
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  const isMap = options.maps.includes(type.split(".").at(-1) ?? "");
  const members = (deeper: string) =>
    entries.map(([key, member]) => {
      const written = typedValue(member, `${type}.${key}`, options, deeper);
      return `${isMap ? textLiteral(key) : key}: ${written}`;
    });
  return bracketed([isMap ? "{" : `${type}{`, "}"], members, indent);
}

/** Writes the parts on one line if they fit, else on a line each. */
function bracketed([open, close]: [string, string], parts: (indent: string) => string[], indent: string): string {
  const flat = `${open}${parts(indent).join(", ")}${close}`;
  if (!flat.includes("\n") && indent.length + flat.length <= width) return flat;
  const deeper = `${indent}  `;
  const lines = parts(deeper).map((part) => `\n${deeper}${part}`);
  return `${open}${lines.join(",")}\n${indent}${close}`;
}
