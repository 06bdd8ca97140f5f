// Session files in both formats of authentik's outposts, made from a description, for the demo, tests and benchmarks.

const defaultTypeName = "goauthentik.io/internal/outpost/proxyv2/types.Claims";
const builtin = { bool: 1, int: 2, string: 6, interface: 8 };

/** gob's unsigned integer: a small one is itself, a larger one its length negated, then big-endian bytes. */
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

/** The definition of a struct type; every number is a field's distance from the one before. */
function struct(id: number, name: string, fields: Field[]): Buffer {
  const list = fields.flatMap(([field, type]) => [hex("01"), text(field), hex("01"), int(type), hex("00")]);
  const head = [int(-id), hex("030101"), text(name), hex("01"), int(id), hex("0001"), uint(fields.length)];
  return Buffer.concat([...head, ...list, hex("0000")]);
}

/** The definitions of what the claims hold, in the messages that interrupt the one of the session. */
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

/** A struct without its zero fields: of empty claims nothing but its end is left. */
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
  /** What the session holds, in the order it was written (a Go map's: any). Nothing at all is a visit that has just begun. */
  holds: ("claims" | "redirect")[];
  /** The visited address. */
  url?: string;
  groups?: number;
  /** Length of the login's token. */
  token?: number;
  /** gob's id of the first type: it depends on what the process has encoded before, and on Go's version. */
  firstId?: number;
  typeName?: string;
  /** Claims without a single value: the smallest login there can be. */
  emptyClaims?: boolean;
}

/** A session as a Go outpost (to 2026.5) writes it: base64 of date|base64 of a gob|MAC. */
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

/** A session as a Rust outpost (2026.8 on) writes it. */
export function rustSession({ expires, login, url = "https://app.example.com/start" }: RustSession): string {
  const claims = login
    ? { sub: "a".repeat(64), exp: expires, email: "jo@example.com", raw_token: "t".repeat(700) }
    : null;
  return JSON.stringify({ expires, data: { claims, redirect: url } });
}

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The nth file name in a Go outpost's form, n below 2^32. A number makes tests repeatable; scattered, as ids are random. */
export function goName(n: number): string {
  const scattered = Math.imul(n, 0x9e3779b1);
  let id = "";
  for (let bit = 27; bit > -5; bit -= 5) id += base32.charAt((bit < 0 ? scattered << -bit : scattered >>> bit) & 31);
  return `session_${id.padEnd(52, "A")}`;
}

/** The nth file name of a Rust outpost. */
export function rustName(n: number): string {
  return `session_${n.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`;
}
