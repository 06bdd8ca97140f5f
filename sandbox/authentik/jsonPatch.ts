// RFC 6902 as authentik applies it: a library applies the operations, and refusals have authentik's words (python-json-patch).
import { applyPatch as applyByLibrary, type Operation } from "rfc6902";
import { isRecord, type RawOperation } from "./outpostConfig";

/** Error of an operation that can't be applied. The message is the one in authentik's log. */
export class PatchRefused extends Error {
  override readonly name = "PatchRefused";
}

const kinds = ["add", "remove", "replace", "move", "copy", "test"];

/**
 * Returns a copy of the document with all operations applied, in order.
 * @throws PatchRefused at the first operation that can't be applied
 */
export function applyPatch<T extends object>(document: T, operations: readonly RawOperation[]): T {
  const patched = structuredClone(document);
  for (const operation of operations) {
    refuseMalformed(operation);
    refuseUnreachable(operation, patched);
    const [error] = applyByLibrary(patched, [operation as unknown as Operation]);
    if (error) throw new PatchRefused(`JSON Patch failed: ${refusal(operation, patched)}`);
  }
  return patched;
}

function refuseMalformed({ op, path, ...rest }: RawOperation): void {
  const refuse = (why: string) => {
    throw new PatchRefused(`JSON Patch failed: ${why}`);
  };
  if (typeof path !== "string") refuse("Operation must have a 'path' member");
  if (op === undefined) refuse("Operation does not contain 'op' member");
  if (!kinds.includes(op as string)) refuse(`Unknown operation '${String(op)}'`);
  const needed = { add: "value", replace: "value", test: "value", move: "from", copy: "from" }[op as string];
  if (needed && !(needed in rest)) refuse(`The operation does not contain a '${needed}' member`);
}

/**
 * Refuses pointers that the library accepts and authentik does not. authentik catches only the last of these errors, so its
 * log has no "JSON Patch failed" before the others.
 */
function refuseUnreachable({ op, path, from }: RawOperation, document: unknown): void {
  if (op === "test") return; // a pointer that leads nowhere makes the test fail
  if (typeof from === "string") containerOf(document, tokensOf(from));
  const tokens = tokensOf(path as string);
  const container = containerOf(document, tokens);
  const last = tokens.at(-1);
  if (!Array.isArray(container) || last === undefined) return;
  const inserts = op !== "remove" && op !== "replace";
  if (last === "-" && inserts) return;
  if (last === "-") throw new PatchRefused("invalid array index '-'");
  if (indexOf(last) > container.length && inserts) {
    throw new PatchRefused("JSON Patch failed: can't insert outside of list");
  }
}

/** Returns the container in which to look up the last token. */
function containerOf(document: unknown, tokens: string[]): unknown {
  const container = tokens.slice(0, -1).reduce(memberOf, document);
  if (tokens.length === 0 || Array.isArray(container) || isRecord(container)) return container;
  throw new PatchRefused(`Cannot apply token '${tokens.at(-1)}' to non-container type`);
}

function tokensOf(pointer: string): string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) throw new PatchRefused("Location must start with /");
  const tokens = pointer.slice(1).split("/");
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function memberOf(container: unknown, token: string): unknown {
  if (Array.isArray(container)) {
    const index = indexOf(token);
    if (index < container.length) return container[index];
    throw new PatchRefused(`index '${token}' is out of bounds`);
  }
  if (!isRecord(container)) throw new PatchRefused(`Cannot apply token '${token}' to non-container type`);
  if (Object.hasOwn(container, token)) return container[token];
  // authentik's log continues with the whole container.
  throw new PatchRefused(`member '${token}' not found`);
}

function indexOf(token: string): number {
  if (/^(0|[1-9]\d*)$/.test(token)) return Number(token);
  throw new PatchRefused(`'${token}' is not a valid sequence index`);
}

/** Returns why the library would not apply an operation whose pointers lead somewhere. */
function refusal({ op, path, from, value }: RawOperation, document: unknown): string {
  const token = tokensOf(path as string).at(-1) ?? "";
  switch (op) {
    case "remove":
      return `can't remove a non-existent object '${token}'`;
    case "replace":
      return `can't replace a non-existent object '${token}'`;
    case "test":
      return testRefusal(document, path as string, value);
    default:
      return `'${tokensOf(from as string).at(-1) ?? ""}'`;
  }
}

function testRefusal(document: unknown, path: string, expected: unknown): string {
  const tokens = tokensOf(path);
  try {
    const actual = tokens.reduce(memberOf, document);
    return `${JSON.stringify(actual)} is not equal to tested value ${JSON.stringify(expected)}`;
  } catch (error) {
    return (error as PatchRefused).message;
  }
}
