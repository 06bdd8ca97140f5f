import assert from "node:assert/strict";
import { resolveSettings } from "../../components/settings";
import { unavailable } from "../../components/unavailable";

describe("what is not available yet", () => {
  it("is refused by name, all at once", () => {
    const settings = resolveSettings(
      {
        namespace: "authentik",
        outposts: ["one", { name: "two", delivery: "authentik" }],
        authentikUrl: "https://auth.example.com",
        authentikToken: "t",
        monitoring: true,
        verify: true,
      },
      new Set(["authentikToken"]),
    );
    assert.deepEqual(unavailable(settings), [
      "delivery: authentik is not available yet (two); choose deployment",
      "monitoring: true is not available yet; choose false",
      "verify: true is not available yet; choose false",
    ]);
  });

  it("is nothing with the defaults", () => {
    assert.deepEqual(unavailable(resolveSettings({ namespace: "authentik", outposts: ["one"] })), []);
  });
});
