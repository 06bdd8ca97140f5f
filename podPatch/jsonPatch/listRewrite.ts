import { isDeepStrictEqual } from "node:util";
import { operationError, type JsonPatchOperation } from "../../authentik/operations";
import type { PodList } from "./podLists";

/** An element of a list at some point of the patch. */
export interface Slot {
  readonly own?: string;
  readonly value?: unknown;
  /** True if the rewritten patch has it too. */
  readonly kept: boolean;
}

export interface Rewrite {
  readonly operations: JsonPatchOperation[];
  /** The list as the operations leave it on authentik's Deployment; undefined if there is none. */
  readonly slots: readonly Slot[] | undefined;
  /** Number of times that the operations bring an element of ours, by name. */
  readonly occurrences: ReadonlyMap<string, number>;
  /** True if an operation writes the list as a whole. What follows then has the same result whatever was there. */
  readonly written: boolean;
}

/** Returns the new value of an element of ours; undefined leaves it out. */
export type KeepOwn = (name: string, value: unknown) => unknown;

/**
 * Goes through a patch with one list in view, and keeps, changes or leaves out our elements of it. Everything else stays as and
 * where it was. Indexes into the list are renumbered if an element before them was left out.
 * @throws JsonPatchError if the patch can't be applied to authentik's Deployment
 */
export function rewriteList(operations: readonly JsonPatchOperation[], list: PodList, keepOwn: KeepOwn): Rewrite {
  const rewriter = new ListRewriter(list, keepOwn);
  operations.forEach((operation, index) => rewriter.take(operation, index));
  return rewriter.result();
}

/** Rewrites one list. Its fields are set in the constructor, since the dynamic provider's closure loses initialisers. */
class ListRewriter {
  private slots: Slot[] | undefined;
  private written: boolean;
  private readonly out: JsonPatchOperation[];
  private readonly occurrences: Map<string, number>;
  /** Whole-list operations that have nothing left in them. */
  private readonly emptied: Set<JsonPatchOperation>;

  constructor(
    private readonly list: PodList,
    private readonly keepOwn: KeepOwn,
  ) {
    this.slots = list.inReference ? [{ kept: true }] : undefined;
    this.written = false;
    this.out = [];
    this.occurrences = new Map();
    this.emptied = new Set();
  }

  result(): Rewrite {
    const { slots, occurrences, written } = this;
    const operations = this.out.filter((operation, at) => !this.emptied.has(operation) || this.isNeeded(at));
    return { operations, slots: slots?.filter(({ kept }) => kept), occurrences, written };
  }

  take(operation: JsonPatchOperation, index: number): void {
    const moved = this.takeSource(operation, index);
    const { path } = operation;
    if (isAtOrAbove(path, this.list.path)) this.takeWhole(operation, index);
    else if (path.startsWith(`${this.list.path}/`)) this.takeElement(moved, index);
    else this.out.push(moved);
  }

  /** Handles the `from` of a move or copy out of the list. */
  private takeSource(operation: JsonPatchOperation, index: number): JsonPatchOperation {
    const { op, from } = operation;
    if (from === undefined || !from.startsWith(`${this.list.path}/`)) return operation;
    const { slot, position, rest } = this.locate(from, operation, index, false);
    if (slot?.own)
      throw operationError(index, `(${op} from ${from}) takes the ${this.list.kind} that is ours elsewhere`);
    const renumbered = { ...operation, from: this.pointer(position, rest) };
    if (op === "move" && rest === "") this.slots?.splice(position, 1);
    return renumbered;
  }

  private takeWhole(operation: JsonPatchOperation, index: number): void {
    const { op, path, value } = operation;
    if (op === "test") return void this.out.push(operation);
    if ((op === "remove" || op === "replace") && path === this.list.path && !this.slots)
      this.failsWithout(operation, index);
    if (this.wipesOthers(operation)) return this.appendInstead(operation, index);
    this.written = true;
    const keys = this.list.path.slice(path.length).split("/").slice(1);
    const elements = op === "add" || op === "replace" ? valueAt(value, keys) : undefined;
    if (!Array.isArray(elements)) {
      // The source of a move or a copy is not looked at.
      this.slots = op === "move" || op === "copy" ? [] : undefined;
      return void this.out.push(operation);
    }
    this.slots = elements.map((element) => this.slotOf(element));
    const left = this.slots.filter(({ kept }) => kept).map((slot) => slot.value);
    const rewritten = isDeepStrictEqual(left, elements)
      ? operation
      : { ...operation, value: withValueAt(value, keys, left) };
    if (elements.length > 0 && left.length === 0 && keys.length === 0) this.emptied.add(rewritten);
    this.out.push(rewritten);
  }

  /** Tells whether a list of nothing but ours would replace one that others made. */
  private wipesOthers({ path, value }: JsonPatchOperation): boolean {
    const isOurs =
      Array.isArray(value) && value.length > 0 && value.every((one) => this.list.ownName(one) !== undefined);
    return path === this.list.path && isOurs && (this.slots ?? []).some(({ own }) => own === undefined);
  }

  private appendInstead({ value }: JsonPatchOperation, index: number): void {
    for (const element of value as unknown[])
      this.takeElement({ op: "add", path: `${this.list.path}/-`, value: element }, index);
  }

  private takeElement(operation: JsonPatchOperation, index: number): void {
    const { op, path } = operation;
    if (!this.slots && op !== "test") this.failsWithout(operation, index);
    const slots = (this.slots ??= []);
    const inserts = op !== "remove" && op !== "replace" && op !== "test";
    const { slot, position, rest } = this.locate(path, operation, index, inserts && !isDeep(path, this.list));
    if (rest !== "") {
      // An edit inside an element of ours is part of it, and goes with it. An edit of a foreign element is kept.
      if (slot?.own && op !== "test") slots[position] = { ...slot, value: edited(slot.value, rest, operation) };
      else if (!slot || slot.kept) this.out.push({ ...operation, path: this.pointer(position, rest) });
      return;
    }
    switch (op) {
      case "add":
      case "move":
      case "copy": {
        const added: Slot = op === "add" ? this.slotOf(operation.value) : { kept: true };
        const target = path.endsWith("/-") ? path : this.pointer(position, "");
        slots.splice(position, 0, added);
        if (added.kept) this.out.push(valued({ ...operation, path: target }, added));
        return;
      }
      case "replace": {
        const replaced = this.slotOf(operation.value);
        if (slot && !slot.kept && replaced.kept)
          throw operationError(index, `(replace ${path}) overwrites the ${this.list.kind} ${slot.own}`);
        slots[position] = replaced.kept ? replaced : { ...replaced, kept: slot?.kept ?? false };
        if (replaced.kept) this.out.push(valued({ ...operation, path: this.pointer(position, "") }, replaced));
        return;
      }
      case "remove":
        if (slot?.kept) this.out.push({ ...operation, path: this.pointer(position, "") });
        slots.splice(position, 1);
        return;
      case "test":
        if (!slot || slot.kept) this.out.push({ ...operation, path: this.pointer(position, "") });
    }
  }

  private slotOf(value: unknown): Slot {
    const own = this.list.ownName(value);
    if (own === undefined) return { value, kept: true };
    this.occurrences.set(own, (this.occurrences.get(own) ?? 0) + 1);
    const keptValue = this.keepOwn(own, value);
    return { own, value: keptValue, kept: keptValue !== undefined };
  }

  /**
   * Finds the element that a pointer into the list names. The place after the last, also written `-`, is valid only for an
   * insertion.
   */
  private locate(path: string, { op }: JsonPatchOperation, index: number, inserts: boolean) {
    const [key, ...deeper] = path.slice(this.list.path.length + 1).split("/");
    const length = this.slots?.length ?? 0;
    const position = key === "-" ? length : Number(key);
    if (!/^(-|0|[1-9]\d*)$/.test(key) || position > length || (position === length && !inserts))
      throw operationError(index, `(${op} ${path}) names no element: the list has ${length} there`);
    return { position, slot: this.slots?.[position], rest: deeper.map((step) => `/${step}`).join("") };
  }

  private pointer(position: number, rest: string): string {
    const before = (this.slots ?? []).slice(0, position).filter(({ kept }) => kept).length;
    return `${this.list.path}/${before}${rest}`;
  }

  private failsWithout({ op, path }: JsonPatchOperation, index: number): never {
    const why = `authentik's Deployment has no ${this.list.path} and no operation before it adds one`;
    throw operationError(index, `(${op} ${path}) can't be applied: ${why}; correct it in authentik`);
  }

  /** Tells whether a later operation needs the list that the emptied one makes. */
  private isNeeded(at: number): boolean {
    for (const { path, from } of this.out.slice(at + 1)) {
      if (isAtOrAbove(path, this.list.path)) return false;
      if ([path, from].some((pointer) => pointer?.startsWith(`${this.list.path}/`))) return true;
    }
    return false;
  }
}

const isAtOrAbove = (path: string, other: string): boolean => path === other || other.startsWith(`${path}/`);

const isDeep = (path: string, list: PodList): boolean => path.slice(list.path.length + 1).includes("/");

/** Applies an operation inside a value, exactly enough to show that the value was edited. */
function edited(value: unknown, pointer: string, { op, value: given = null }: JsonPatchOperation): unknown {
  const copy = structuredClone(value);
  const keys = pointer
    .slice(1)
    .split("/")
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  const parent = valueAt(copy, keys.slice(0, -1)) as Record<string, unknown> | undefined;
  const key = keys[keys.length - 1];
  if (Array.isArray(parent))
    parent.splice(key === "-" ? parent.length : Number(key), op === "add" ? 0 : 1, ...(op === "remove" ? [] : [given]));
  else if (parent && op === "remove") delete parent[key];
  else if (parent) parent[key] = given;
  return copy;
}

const valued = (operation: JsonPatchOperation, { own, value }: Slot): JsonPatchOperation =>
  own === undefined ? operation : { ...operation, value };

/** Returns the value at these keys; undefined if there is none. A pointer of an outpost's patch may say `__proto__`. */
export function valueAt(value: unknown, keys: readonly string[]): unknown {
  const below = (at: unknown, key: string): unknown =>
    typeof at === "object" && at !== null && Object.hasOwn(at, key) ? (at as Record<string, unknown>)[key] : undefined;
  return keys.reduce(below, value);
}

function withValueAt(value: unknown, keys: readonly string[], replacement: unknown): unknown {
  if (keys.length === 0) return replacement;
  const copy = structuredClone(value);
  (valueAt(copy, keys.slice(0, -1)) as Record<string, unknown>)[keys[keys.length - 1]] = replacement;
  return copy;
}
