import assert from "node:assert/strict";
import { poll } from "../../../kubernetes/poll";

describe("polling", () => {
  it("ends with the first look that awaits nothing, and says each thing that is awaited once", async () => {
    const answers = ["a pod", "a pod", "a sweep", undefined];
    const said: string[] = [];
    const look = () => Promise.resolve({ value: answers.length, awaits: answers.shift() });
    assert.equal(await poll(look, { timeoutMs: 60_000, pauseMs: 1, say: (awaits) => said.push(awaits) }), 1);
    assert.deepEqual(said, ["a pod", "a sweep"]);
  });

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

  it("looks once where there is no time at all, and passes an error on", async () => {
    await assert.rejects(
      poll((isLast) => Promise.reject(new Error(`last: ${isLast}`)), { timeoutMs: 0, pauseMs: 1 }),
      { message: "last: true" },
    );
  });
});
