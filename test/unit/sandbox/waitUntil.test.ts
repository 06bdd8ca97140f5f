import assert from "node:assert/strict";
import { waitUntil } from "../../../sandbox/waitUntil";

const options = { what: "the node", timeoutMs: 20, pauseMs: 1 };

describe("waitUntil", () => {
  it("returns the first answer, whatever came before", async () => {
    const answers = [undefined, false, new Error("not yet"), 0, 1];
    const ask = () => {
      const answer = answers.shift();
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    };
    assert.equal(await waitUntil(ask, { ...options, timeoutMs: 10_000 }), 0);
  });

  it("gives up with what was awaited and the last error", async () => {
    const message = "gave up waiting for the node after 0.02 s";
    const refused = () => Promise.reject(new Error("connection refused"));
    await assert.rejects(waitUntil(refused, options), { message: `${message}: connection refused` });
    const nothing = () => undefined;
    await assert.rejects(waitUntil(nothing, options), { message });
  });

  it("ends with the signal's reason", async () => {
    const died = new Error("etcd died");
    const ending = new AbortController();
    const ask = () => Promise.resolve(ending.abort(died));
    await assert.rejects(waitUntil(ask, { ...options, timeoutMs: 10_000, signal: ending.signal }), died);
  });
});
