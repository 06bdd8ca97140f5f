import assert from "node:assert/strict";
import { resolveSettings } from "../../components/settings";
import { unavailable } from "../../components/unavailable";

describe("what is not available yet", () => {
  it("is refused by name", () => {
    const settings = resolveSettings({
      namespace: "authentik",
      outposts: ["one"],
      monitoring: true,
    });
    assert.deepEqual(unavailable(settings), ["monitoring: true is not available yet; choose false"]);
  });

  it("is nothing with the defaults", () => {
    assert.deepEqual(unavailable(resolveSettings({ namespace: "authentik", outposts: ["one"] })), []);
  });
});
