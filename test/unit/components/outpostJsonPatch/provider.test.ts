// Changes of the patch, as the provider takes them, with the stand-in for authentik's API. test/e2e/authentik/provider.test.ts has the rest.
import assert from "node:assert/strict";
import { outpostJsonPatchProvider } from "../../../../components/outpostJsonPatch/provider";
import type { OutpostJsonPatchState } from "../../../../components/outpostJsonPatch/state";
import { startAuthentik, type AuthentikStandIn } from "../../../../sandbox/authentik";

const nowhere = "http://127.0.0.1:9";

describe("a change of an outpost's JSON patch", () => {
  let authentik: AuthentikStandIn;
  before(async () => (authentik = await startAuthentik({ namespace: "authentik" })));
  after(() => authentik.stop());

  const stateAt = (authentikUrl: string): OutpostJsonPatchState => ({
    ...{ authentikUrl, outpost: "former", namespace: "authentik", deployment: "intranet" },
    ...{ fieldManager: "authentik-outpost-shm-test", operations: [], rolledOut: true },
  });

  /** Makes a provider that is given this token, and nothing else. */
  async function providerWith(token: string) {
    const provider = outpostJsonPatchProvider();
    const get = (key: string) => (key.endsWith(":authentikToken") ? token : undefined);
    await provider.configure?.({ config: { get, require: (key) => get(key) ?? assert.fail(key) } });
    return provider;
  }

  /** Returns what becomes of the patch of the outpost of this id, once named "former". */
  async function diff(id: string, change: Partial<OutpostJsonPatchState>, authentikUrl = nowhere) {
    const olds = stateAt(authentikUrl);
    return (await providerWith(authentik.token)).diff(id, olds, { ...olds, ...change });
  }
  const replaced = (...replaces: string[]) => ({ changes: true, replaces, deleteBeforeReplace: true });
  const updated = replaced();

  it("is none, or an update, or a replacement for another namespace, the old one going first, without a question", async () => {
    assert.deepEqual(await diff("pk", {}), { ...updated, changes: false });
    for (const key of ["authentikUrl", "fieldManager"] as const)
      assert.deepEqual(await diff("pk", { [key]: "other" }), updated);
    assert.deepEqual(await diff("pk", { namespace: "other" }), replaced("namespace"));
  });

  it("is an update for an outpost that was renamed, whose pods stay, and a replacement for another one", async () => {
    const { pk } = await authentik.addOutpost({ name: "renamed" });
    await authentik.addOutpost({ name: "other" });
    const url = authentik.url.replace(/\/$/, "");
    assert.deepEqual(await diff(pk, { outpost: "renamed" }, url), updated);
    for (const outpost of ["other", "unknown"]) assert.deepEqual(await diff(pk, { outpost }, url), replaced("outpost"));
  });

  const set = "pulumi config set --secret authentik-outpost-shm:authentikToken";
  for (const [what, token, message] of [
    ["missing", "", `authentikToken is not set, and the outpost's patch is in authentik: set it with: ${set}`],
    [
      "with a line break",
      "to\nken",
      `authentikToken has spaces, line breaks or other characters that no token has; store it again: ${set}`,
    ],
  ] as const) {
    it(`is refused with a token that is ${what}, also where the program did not run`, async () => {
      const provider = await providerWith(token);
      await assert.rejects(provider.delete("pk", stateAt(nowhere)), { message });
    });
  }
});
