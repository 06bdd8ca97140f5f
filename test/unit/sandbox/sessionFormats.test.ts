import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { goSession, type GoSession } from "../../../sandbox/sessionFormats";

const typeName = "goauthentik.io/internal/outpost/proxyv2/types.Claims";
const forged = `https://app.example.com/start?q=${typeName}&claims=%06claims4${typeName}`;

describe("the session generator", () => {
  // Go's own gob encoder has written the fixtures (sandbox/outpostStandIn/fixtures_test.go).
  const fixtures: Record<string, GoSession> = {
    "visit-started": { holds: [] },
    "visit-redirect": { holds: ["redirect"] },
    "visit-names-the-type": { holds: ["redirect"], url: forged },
    login: { holds: ["claims"] },
    "login-claims-first": { holds: ["claims", "redirect"] },
    "login-redirect-first": { holds: ["redirect", "claims"] },
  };
  for (const [name, session] of Object.entries(fixtures)) {
    it(`writes ${name} as Go does`, () => {
      assert.equal(goSession(session), readFileSync(join(__dirname, "fixtures", name), "utf8"));
    });
  }
});
