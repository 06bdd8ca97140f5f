import assert from "node:assert/strict";
import { once } from "node:events";
import { LoggedProcess, until } from "../../../sandbox/cleaner/sidecarProcess";

describe("a process whose output is kept", () => {
  it("needs no stop after a signal has ended it", async () => {
    const killed = new LoggedProcess(["sh", "-c", "kill -9 $$"], { PATH: process.env.PATH! });
    await once(killed.child, "exit");
    assert.deepEqual(await killed.stop(), { code: null, milliseconds: 0 });
  });

  it("says why it could not be started, and needs no stop then", async () => {
    const missing = new LoggedProcess(["/nowhere/at/all"], {});
    await until("its error", () => missing.log !== "");
    assert.deepEqual([missing.log, (await missing.stop()).milliseconds], ["spawn /nowhere/at/all ENOENT", 0]);
  });
});
