/** One operation of a JSON Patch (RFC 6902), as authentik keeps them in an outpost's config. */
export interface JsonPatchOperation {
  op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  /** JSON Pointer (RFC 6901). */
  path: string;
  value?: unknown;
  from?: string;
}

/** An error in an outpost's JSON patch, found before anything is written. */
export interface JsonPatchError extends Error {
  name: "JsonPatchError";
}
export const jsonPatchError = (message: string): JsonPatchError =>
  Object.assign(new Error(message), { name: "JsonPatchError" as const });

export const isJsonPatchError = (error: unknown): error is JsonPatchError =>
  error instanceof Error && error.name === "JsonPatchError";

/** Reads something of an outpost's operations. @param instead gives it if they are invalid */
export function unlessInvalid<T>(read: () => T, instead: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isJsonPatchError(error)) return instead();
    throw error;
  }
}

/** The setting that holds the JSON patch of an outpost's Deployment, as messages name it. */
export const patchSetting = "kubernetes_json_patches.deployment";

const kinds: readonly string[] = ["add", "remove", "replace", "move", "copy", "test"];

/**
 * Parses the operations of an outpost's config; none if there is no patch.
 * @throws JsonPatchError that names the operation, counted from 1, and the mistake
 */
export function parseOperations(raw: unknown): JsonPatchOperation[] {
  if (raw === undefined || raw === null) return [];
  if (!Array.isArray(raw)) throw jsonPatchError(`${patchSetting} is ${kindOf(raw)}; it must be a list of operations`);
  return raw.map((operation: unknown, index) => {
    const wrong = wrongWith(operation);
    if (wrong) throw operationError(index, wrong);
    return operation as JsonPatchOperation;
  });
}

/** Makes the error for an operation. @param index counted from 0; the message counts from 1 */
export function operationError(index: number, wrong: string): JsonPatchError {
  return jsonPatchError(`operation ${index + 1} of ${patchSetting} ${wrong}`);
}

function wrongWith(operation: unknown): string | undefined {
  if (kindOf(operation) !== "an object") return `is ${kindOf(operation)}; it must be an object with op and path`;
  const { op, path, from, ...rest } = operation as Record<string, unknown>;
  if (typeof op !== "string" || !kinds.includes(op))
    return `has op ${JSON.stringify(op) ?? "missing"}; it must be one of ${kinds.join(", ")}`;
  if (!isPointer(path)) return `has path ${JSON.stringify(path) ?? "missing"}; it must start with /`;
  if ((op === "move" || op === "copy") && !isPointer(from))
    return `(${op}) has from ${JSON.stringify(from) ?? "missing"}; it must start with /`;
  if ((op === "add" || op === "replace" || op === "test") && !("value" in rest)) return `(${op} ${path}) has no value`;
  return undefined;
}

const isPointer = (path: unknown): path is string => typeof path === "string" && (path === "" || path.startsWith("/"));

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "empty";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : JSON.stringify(value);
}
