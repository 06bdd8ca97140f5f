import assert from "node:assert/strict";
import { mock } from "node:test";
import { consoleProgress, formatElapsed } from "../../../sandbox/progress";

/** Collects what is written, as a terminal of `columns` columns if given. */
function recordingStream(columns?: number): { stream: NodeJS.WriteStream; written: string[] } {
  const written: string[] = [];
  const stream = { isTTY: columns !== undefined, columns, write: (text: string) => written.push(text) };
  return { stream: stream as unknown as NodeJS.WriteStream, written };
}

describe("progress", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setInterval", "Date"] }));
  afterEach(() => mock.timers.reset());

  it("off a terminal: a line at the start, one every 30 s, one at the end", () => {
    const { stream, written } = recordingStream();
    const step = consoleProgress(stream).step("building etcd");
    for (let second = 0; second < 65; second++) mock.timers.tick(1_000);
    step.done("cached");
    mock.timers.tick(60_000);
    assert.deepEqual(written, [
      "… building etcd\n",
      "… building etcd (30 s)\n",
      "… building etcd (1 min 00 s)\n",
      "✓ building etcd (1 min 05 s): cached\n",
    ]);
  });

  it("says when a step failed, and once only that it ended", () => {
    const { stream, written } = recordingStream();
    const step = consoleProgress(stream).step("building etcd");
    mock.timers.tick(400);
    step.fail("no go");
    step.done();
    assert.deepEqual(written, ["… building etcd\n", "✗ building etcd (0.4 s): no go\n"]);
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

  it("writes elapsed time precisely while it is short", () => {
    const written = [0, 440, 9_949, 9_950, 59_499, 59_500, 187_000].map(formatElapsed);
    assert.deepEqual(written, ["0.0 s", "0.4 s", "9.9 s", "10 s", "59 s", "1 min 00 s", "3 min 07 s"]);
  });
});
