import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { withLock } from "../../sandbox/toolchain/lock";

describe("a lock between processes", function () {
  this.timeout(10_000);

  let dir: string;
  let file: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "lock-"));
    file = join(dir, "etcd.lock");
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  /** Leaves a lock as another holder would, last touched so many seconds ago. */
  function leaveLock(holder: { pid: number; host: string }, touchedSecondsAgo = 0): void {
    writeFileSync(file, JSON.stringify({ ...holder, id: "another" }));
    const touched = new Date(Date.now() - touchedSecondsAgo * 1000);
    utimesSync(file, touched, touched);
  }

  const neverWait = (pid: number) => assert.fail(`waited for ${pid}`);
  const endedPid = () => spawnSync("true").pid;

  it("is held while the work is done, and released after it", async () => {
    const result = await withLock(file, () => {
      const { pid, host } = JSON.parse(readFileSync(file, "utf8")) as { pid: number; host: string };
      return Promise.resolve({ pid, host });
    });
    assert.deepEqual(result, { pid: process.pid, host: hostname() });
    assert.deepEqual(readdirSync(dir), []);
  });

  it("is released when the work fails", async () => {
    await assert.rejects(
      withLock(file, () => Promise.reject(new Error("no space"))),
      { message: "no space" },
    );
    assert.deepEqual(readdirSync(dir), []);
  });

  it("lets one in at a time", async () => {
    const events: string[] = [];
    const work = (name: string) => async () => {
      events.push(`${name} in`);
      await delay(20);
      events.push(`${name} out`);
    };
    const waited: number[] = [];
    await Promise.all(["a", "b", "c"].map((name) => withLock(file, work(name), (pid) => waited.push(pid))));
    const [first, second, third] = events.filter((event) => event.endsWith("in")).map((event) => event[0]);
    assert.deepEqual(
      events,
      [first, second, third].flatMap((name) => [`${name} in`, `${name} out`]),
    );
    assert.deepEqual(waited, [process.pid, process.pid]);
  });

  it("is taken over at once from a process of this host that is dead", async () => {
    leaveLock({ pid: endedPid(), host: hostname() });
    assert.equal(await withLock(file, () => Promise.resolve("built"), neverWait), "built");
    assert.deepEqual(readdirSync(dir), []);
  });

  it("is taken over by one only of several", async () => {
    leaveLock({ pid: endedPid(), host: hostname() });
    let inside = 0;
    const alone = async () => {
      assert.equal(++inside, 1);
      await delay(5);
      inside--;
    };
    await Promise.all(Array.from({ length: 5 }, () => withLock(file, alone)));
    assert.deepEqual(readdirSync(dir), []);
  });

  it("is taken over from anybody who has not touched it for half a minute", async () => {
    leaveLock({ pid: process.pid, host: "another-host" }, 31);
    assert.equal(await withLock(file, () => Promise.resolve("built"), neverWait), "built");
    writeFileSync(file, "{"); // cut off while it was written
    utimesSync(file, 0, 0);
    assert.equal(await withLock(file, () => Promise.resolve("built"), neverWait), "built");
  });

  for (const [who, holder] of [
    ["a living process", () => ({ pid: process.ppid, host: hostname() })],
    ["a process of another host, whose id means nothing here", () => ({ pid: endedPid(), host: "another-host" })],
  ] as const) {
    it(`is waited for while it is held by ${who}`, async () => {
      const { pid, host } = holder();
      leaveLock({ pid, host });
      const waited: number[] = [];
      const locked = withLock(
        file,
        () => Promise.resolve("built"),
        (holding) => {
          waited.push(holding);
          rmSync(file); // the holder is done
        },
      );
      assert.equal(await locked, "built");
      assert.deepEqual(waited, [pid]);
    });
  }
});
