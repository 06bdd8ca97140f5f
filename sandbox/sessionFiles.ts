// Session files as outposts write them, as far as anything that looks at them from outside can tell. Nobody's real sessions.
import { createHash, randomBytes } from "node:crypto";
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** How the type of a login's claims stands in a Go outpost's gob. */
const claimsType = "goauthentik.io/internal/outpost/proxyv2/types.Claims";

/** A Go outpost's session (to 2026.5): base64 of time, base64 of a gob, and a MAC. A visitor's is 96 bytes, a login's some 3 KB. */
export function goSession({ loggedIn, savedAt }: { loggedIn: boolean; savedAt: Date }): Buffer {
  const gob = loggedIn
    ? Buffer.concat([
        Buffer.from(`\x0d\x7f\x04\x01\x02\xff\x80\x00\x06string\x0c\x08\x00\x06claims4${claimsType}`, "latin1"),
        randomBytes(1650),
      ])
    : Buffer.from("0d7f040102ff80000110011000000004ff800000", "hex");
  const time = Math.floor(savedAt.getTime() / 1000);
  const signed = Buffer.concat([Buffer.from(`${time}|${gob.toString("base64url")}|`), randomBytes(32)]);
  return Buffer.from(signed.toString("base64url"));
}

/** A Rust outpost's session (2026.8 and later): JSON that tells its own end. */
export function rustSession({ loggedIn, expires }: { loggedIn: boolean; expires: Date }): Buffer {
  const claims = loggedIn
    ? { sub: randomBytes(16).toString("hex"), groups: ["staff"], raw_token: randomBytes(900).toString("base64url") }
    : null;
  return Buffer.from(
    JSON.stringify({ expires: Math.floor(expires.getTime() / 1000), data: { claims, redirect: "/" } }),
  );
}

/** A name as outposts give: `session_` and a digest in base32. */
export function sessionName(): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const digest = createHash("sha256").update(randomBytes(16)).digest();
  return `session_${[...digest, ...digest]
    .map((byte) => alphabet[byte % 32])
    .join("")
    .slice(0, 52)}`;
}

/** Writes a file as the outpost does (mode 0600), last saved at the given time. */
export function writeSession(directory: string, content: Buffer, savedAt: Date, name = sessionName()): string {
  const path = join(directory, name);
  writeFileSync(path, content, { mode: 0o600 });
  utimesSync(path, savedAt, savedAt);
  return path;
}
