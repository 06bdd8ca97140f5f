import assert from "node:assert/strict";
import { mock } from "node:test";
import { consoleProgress } from "../../../sandbox/progress";

/** Collects what is written, as a terminal of `columns` columns if given. */
function recordingStream(columns?: number): { stream: NodeJS.WriteStream; written: string[] } {
  const written: string[] = [];
  const stream = { isTTY: columns !== undefined, columns, write: (text: string) => written.push(text) };
  return { stream: stream as unknown as NodeJS.WriteStream, written };
}

describe("progress", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setInterval", "Date"] }));
  afterEach(() => mock.timers.reset());

  it("off a terminal: a line at the start, one every 30 s, and once only that it ended", () => {
    const { stream, written } = recordingStream();
    const progress = consoleProgress(stream);
    const step = progress.step("building etcd");
    for (let second = 0; second < 65; second++) mock.timers.tick(1_000);
    step.done("cached");
    mock.timers.tick(60_000);
    step.fail("too late");
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

  it("on a terminal: one line redrawn every second, cut to its width, out of the way of other lines", () => {
    const { stream, written } = recordingStream(20);
    const progress = consoleProgress(stream);
    const step = progress.step("building etcd");
    mock.timers.tick(1_000);
    progress.say("hello");
    step.done();
    mock.timers.tick(5_000);
    const clear = "\r\x1b[2K";
    assert.deepEqual(written, [
      `${clear}… building etcd (0.`,
      `${clear}… building etcd (1.`,
      `${clear}hello\n`,
      `${clear}… building etcd (1.`,
      `${clear}✓ building etcd (1.0 s)\n`,
    ]);
  });
});
