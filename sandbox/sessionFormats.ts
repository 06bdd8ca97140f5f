// Builds session files in both formats of authentik's outposts from a description, for the demo, tests and benchmarks.

const defaultTypeName = "goauthentik.io/internal/outpost/proxyv2/types.Claims";
const builtin = { bool: 1, int: 2, string: 6, interface: 8 };

/** Encodes gob's unsigned integer: a small one is itself, a larger one its length negated, then big-endian bytes. */
function uint(value: number): Buffer {
  if (value < 128) return Buffer.from([value]);
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([256 - bytes.length, ...bytes]);
}

const int = (value: number): Buffer => uint(value < 0 ? -2 * value - 1 : 2 * value);
const text = (value: string): Buffer => Buffer.concat([uint(Buffer.byteLength(value)), Buffer.from(value)]);
const hex = (value: string): Buffer => Buffer.from(value, "hex");

function message(...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([uint(content.length), content]);
}

type Field = [name: string, type: number];

/** Encodes the definition of a struct type. Every number is a field's distance from the previous one. */
function struct(id: number, name: string, fields: Field[]): Buffer {
  const list = fields.flatMap(([field, type]) => [hex("01"), text(field), hex("01"), int(type), hex("00")]);
  const head = [int(-id), hex("030101"), text(name), hex("01"), int(id), hex("0001"), uint(fields.length)];
  return Buffer.concat([...head, ...list, hex("0000")]);
}

/** Encodes the definitions of the types in claims, in the messages that interrupt the session's own. */
function claimsTypes(first: number): { claims: Buffer; others: Buffer } {
  const { bool, int: number, string } = builtin;
  const [id, list, proxy, attributes] = [first + 1, first + 2, first + 3, first + 4] as const;
  const ids = (kind: string, name: string, own: number, ...of: number[]) =>
    message(
      ...[int(-own), hex(kind), text(name), hex("01"), int(own), hex("00")],
      ...of.flatMap((type) => [hex("01"), int(type)]),
      hex("0000"),
    );
  const claims = struct(id, "Claims", [
    ...(["Sub", "Exp", "Email", "Verified", "Name", "PreferredUsername"].map((field) => {
      return [field, { Exp: number, Verified: bool }[field] ?? string];
    }) as Field[]),
    ...([
      ["Groups", list],
      ["Entitlements", list],
      ["Sid", string],
      ["Proxy", proxy],
      ["RawToken", string],
    ] satisfies Field[]),
  ]);
  const proxyClaims = struct(proxy, "ProxyClaims", [
    ["UserAttributes", attributes],
    ["BackendOverride", string],
    ["HostHeader", string],
    ["IsSuperuser", bool],
  ]);
  const others = [
    Buffer.concat([ids("020101", "[]string", list, string)]),
    message(proxyClaims),
    ids("040101", "map[string]interface {}", attributes, string, builtin.interface),
  ];
  return { claims, others: Buffer.concat(others) };
}

/** Claims whose fields are all zero, and so left out: only the end of the struct remains. */
const emptyClaims = hex("00");

function claimsValue(groups: number, token: number): Buffer {
  const names = Array.from({ length: groups }, (_, i) => text(i === 0 ? "everyone" : `team-${i}-engineering`));
  return Buffer.concat([
    ...[hex("01"), text("a".repeat(64)), hex("01"), int(1795555545), hex("01"), text("jo@example.com"), hex("010101")],
    ...[text("Jo"), hex("01"), text("jo")],
    ...(groups > 0 ? [hex("01"), uint(groups), ...names, hex("02")] : [hex("03")]),
    ...[text("b".repeat(64)), hex("010001"), text("t".repeat(token)), hex("00")],
  ]);
}

export interface GoSession {
  /** Content of the session, in the order it was written (for a Go map, any). Nothing at all is a visit that has just begun. */
  holds: ("claims" | "redirect")[];
  /** The visited address. */
  url?: string;
  groups?: number;
  /** Length of the login's token. */
  token?: number;
  /** gob's id of the first type. It depends on what the process has encoded before, and on Go's version. */
  firstId?: number;
  typeName?: string;
  /** True for claims without a single value: the smallest possible login. */
  emptyClaims?: boolean;
}

/** Encodes a session as a Go outpost (up to 2026.5) does: base64 of date|base64 of a gob|MAC. */
export function goSession(session: GoSession): string {
  const { holds, url = "https://app.example.com/start", groups = 1, token = 700, firstId = 64 } = session;
  const sessionType = [int(-firstId), hex("040102"), int(firstId), hex("0001100110"), hex("0000")];
  const stringValue = (value: string) => [text("string"), int(builtin.string), message(hex("00"), text(value))];
  const { claims, others } = claimsTypes(firstId);
  const done: Buffer[] = [];
  let current = [int(firstId), hex("00"), uint(holds.length)];
  for (const key of holds) {
    current.push(...stringValue(key));
    if (key === "redirect") current.push(...stringValue(url));
    else {
      done.push(message(...current, text(session.typeName ?? defaultTypeName), claims), others);
      current = [int(firstId + 1), message(session.emptyClaims ? emptyClaims : claimsValue(groups, token))];
    }
  }
  const gob = Buffer.concat([message(...sessionType), ...done, message(...current)]);
  const encode = (value: Buffer | string) =>
    Buffer.from(value).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
  return encode(`1795469145|${encode(gob)}|${"m".repeat(32)}`);
}

export interface RustSession {
  /** Unix time at which the session ends. */
  expires: number;
  login: boolean;
  url?: string;
}

/** Encodes a session as a Rust outpost (from 2026.8 on) does. */
export function rustSession({ expires, login, url = "https://app.example.com/start" }: RustSession): string {
  const claims = login
    ? { sub: "a".repeat(64), exp: expires, email: "jo@example.com", raw_token: "t".repeat(700) }
    : null;
  return JSON.stringify({ expires, data: { claims, redirect: url } });
}

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Returns the nth file name in a Go outpost's form, n below 2^32. It is repeatable for tests, but scattered as ids are. */
export function goName(n: number): string {
  const scattered = Math.imul(n, 0x9e3779b1);
  let id = "";
  for (let bit = 27; bit > -5; bit -= 5) id += base32.charAt((bit < 0 ? scattered << -bit : scattered >>> bit) & 31);
  return `session_${id.padEnd(52, "A")}`;
}

/** Returns the nth file name in a Rust outpost's form. */
export function rustName(n: number): string {
  return `session_${n.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`;
}
