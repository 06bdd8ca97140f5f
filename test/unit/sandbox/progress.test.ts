import assert from "node:assert/strict";
import { mock } from "node:test";
import { consoleProgress } from "../../../sandbox/progress";

describe("progress", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setInterval", "Date"] }));
  afterEach(() => mock.timers.reset());

  it("is a line at the start of a step, one every 30 s, and one at its end", () => {
    const written: string[] = [];
    const progress = consoleProgress({ write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream);
    const step = progress.step("building etcd");
    for (let second = 0; second < 65; second++) mock.timers.tick(1_000);
    step.done("cached");
    mock.timers.tick(60_000);
    progress.step("building kwok").fail("no go");
    assert.deepEqual(written, [
      "… building etcd\n",
      "… building etcd (30 s)\n",
      "… building etcd (1 min 00 s)\n",
      "✓ building etcd (1 min 05 s): cached\n",
      "… building kwok\n",
      "✗ building kwok (0.0 s): no go\n",
    ]);
  });
});
