import assert from "node:assert/strict";
import type { TokenValidity } from "../../../authentik/optionalAnswers";
import { inspectTokenValidity } from "../../../preflight/tokenValidity";
import type { Look } from "../../../preflight/look";
import { outpostSettings } from "../outposts";
import { liveDeployment } from "./scene";

/** Returns the warnings for providers with these validities, by name. */
async function warnings(
  validities: Record<string, string>,
  image = "ghcr.io/goauthentik/proxy:2026.5.0",
  settings = {},
) {
  const all = Object.entries(validities).map(([provider, validity]): TokenValidity => ({ provider, validity }));
  const authentik = { tokenValidities: () => Promise.resolve(all) } as unknown as Look["authentik"];
  const live = liveDeployment("ak-outpost-my-outpost");
  live.spec!.template.spec!.containers[0].image = image;
  const found = await inspectTokenValidity({ authentik }, outpostSettings(settings), live);
  assert.deepEqual(found.problems, []);
  return found.warnings;
}

describe("inspection of providers' token validity", () => {
  it("names both values where a login is to live longer than authenticatedMaxAge", async () => {
    assert.deepEqual(await warnings({ Wiki: "weeks=4", Short: "hours=1", Grafana: "days=1;minutes=1;seconds=30" }), [
      'outpost "My Outpost": people are logged out early. authenticatedMaxAge is 24h, and authentik lets a login live longer ' +
        '(access_token_validity of "Wiki": weeks=4, that is 672h; "Grafana": days=1;minutes=1;seconds=30, that is 24h1m30s). ' +
        "Raise authenticatedMaxAge to that, or shorten the validity in authentik.",
    ]);
  });

  it("names the longest three of many", async () => {
    const [text] = await warnings({ A: "hours=25", B: "hours=26", C: "hours=27", D: "hours=28", E: "hours=29" });
    assert.match(text, /\(access_token_validity of "E": [^"]*"D": [^"]*"C": hours=27, that is 27h; and 2 more\)/);
  });

  it("says nothing where logins live no longer, or authentik's words are not understood", async () => {
    assert.deepEqual(await warnings({ Wiki: "hours=24", Grafana: "minutes=1440", Odd: "hours=36.5", None: "" }), []);
    assert.deepEqual(await warnings({ Wiki: "weeks=4" }, undefined, { authenticatedMaxAge: "weeks=4" }), []);
  });

  it("says nothing of outposts whose sessions say themselves how long they live", async () => {
    for (const tag of ["2026.8.0", "2026.10.1", "2027.2.0", "2026.8.3@sha256:0123"])
      assert.deepEqual(await warnings({ Wiki: "weeks=4" }, `ghcr.io/goauthentik/proxy:${tag}`), []);
    for (const image of ["proxy:2025.12.4", "registry:5000/proxy", "proxy:gh-main", "proxy@sha256:2026"])
      assert.equal((await warnings({ Wiki: "weeks=4" }, image)).length, 1, image);
  });

  it("asks nothing without access, and for an outpost that nothing of ours sweeps", async () => {
    const none = { problems: [], warnings: [] };
    const live = liveDeployment("ak-outpost-my-outpost");
    assert.deepEqual(await inspectTokenValidity({}, outpostSettings(), live), none);
    const authentik = {} as Look["authentik"];
    assert.deepEqual(await inspectTokenValidity({ authentik }, outpostSettings({ solution: "none" }), live), none);
  });
});
