import assert from "node:assert/strict";
import { mock } from "node:test";
import { consoleProgress } from "../../../sandbox/progress";

describe("progress", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setInterval", "Date"] }));
  afterEach(() => mock.timers.reset());

  /** Collects what is written to a terminal of so many columns; to a file by default. */
  function recorded(columns?: number) {
    const written: string[] = [];
    const stream = { isTTY: columns !== undefined, columns, write: (text: string) => written.push(text) };
    return { progress: consoleProgress(stream as unknown as NodeJS.WriteStream), written };
  }

  it("is a line at the start of a step, one every 30 s, and one at its end", () => {
    const { progress, written } = recorded();
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

  it("is one line on a terminal, redrawn every 5 s, cut to its width, out of the way of other lines", () => {
    const { progress, written } = recorded(20);
    const step = progress.step("building etcd");
    mock.timers.tick(5_000);
    progress.say("hello");
    mock.timers.tick(5_000);
    step.done("cached");
    mock.timers.tick(60_000);
    assert.deepEqual(
      written,
      [
        "… building etcd",
        "… building etcd (5.",
        "hello\n",
        "… building etcd (10",
        "✓ building etcd (10 s): cached\n",
      ].map((line) => `\r\x1b[2K${line}`),
    );
  });
});
