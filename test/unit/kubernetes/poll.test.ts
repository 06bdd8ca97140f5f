import assert from "node:assert/strict";
import { poll } from "../../../kubernetes/poll";

describe("polling", () => {
  it("looks once more when time is up, and tells that look that it is the last", async () => {
    let time = 0;
    const seen: boolean[] = [];
    const look = (isLast: boolean) => {
      seen.push(isLast);
      time += 4;
      return Promise.resolve({ value: "late", awaits: "more" });
    };
    assert.equal(await poll(look, { timeoutMs: 10, pauseMs: 1, now: () => time }), "late");
    assert.deepEqual(seen, [false, false, false, true]);
  });

  it("ends in the middle of a pause once it is interrupted, with the last look", async () => {
    const ctrlC = new AbortController();
    const say = () => setImmediate(() => ctrlC.abort());
    const look = () => Promise.resolve({ value: "so far", awaits: "more" });
    assert.equal(await poll(look, { timeoutMs: 60_000, pauseMs: 60_000, say, signal: ctrlC.signal }), "so far");
  });
});
