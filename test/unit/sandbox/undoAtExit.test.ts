import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Runs a program in a process of its own, since its end is what is tested. Returns what it printed and how it ended. */
function run(program: string): { lines: string[]; how: number | string | null } {
  const module = JSON.stringify(join(__dirname, "..", "..", "..", "sandbox", "undoAtExit.ts"));
  const text = `const { beforeEnd, isEnding, undoAll } = require(${module});
    const { setTimeout: delay } = require("node:timers/promises");
    const say = (line) => console.log(line);
    ${program}`;
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, ["--import", "tsx", "--eval", text], {
    encoding: "utf8",
  });
  return { lines: [...stdout.split("\n"), ...stderr.split("\n")].filter((line) => line !== ""), how: signal ?? status };
}

describe("before a process ends", function () {
  this.timeout(20_000);

  const three = `
    beforeEnd({ stop: () => say("first"), kill: () => say("first killed") });
    beforeEnd({ stop: async () => { await delay(50); say("second"); } });
    beforeEnd({ stop: () => say("never"), kill: () => say("never") })();
    beforeEnd({ stop: () => say("third"), kill: () => say("third killed") });`;

  it("undoes everything at a signal, the latest first, and then ends by that signal, however often it comes", () => {
    const program = `${three} for (const signal of ["SIGTERM", "SIGINT", "SIGTERM"]) process.kill(process.pid, signal); setInterval(() => {}, 1000);`;
    assert.deepEqual(run(program), { lines: ["third", "second", "first"], how: "SIGTERM" });
  });

  it("undoes what is begun meanwhile too, and tells that nothing should be", () => {
    const program = `
      beforeEnd({ stop: () => say("first") });
      beforeEnd({ stop: async () => { await delay(50); beforeEnd({ stop: () => say("late, " + isEnding()) }); await delay(50); } });
      process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000);`;
    assert.deepEqual(run(program), { lines: ["late, true", "first"], how: "SIGTERM" });
  });

  it("goes on after what can't be undone, and says why", () => {
    const failing = `beforeEnd({ stop: () => { throw new Error("can't stop it"); } });`;
    const program = `${three} ${failing} process.kill(process.pid, "SIGHUP"); setInterval(() => {}, 1000);`;
    assert.deepEqual(run(program), { lines: ["third", "second", "first", "can't stop it"], how: "SIGHUP" });
    assert.deepEqual(run(`${three} ${failing} undoAll().catch(({ message }) => say(message + ", " + isEnding()));`), {
      lines: ["third", "second", "first", "can't stop it, false"],
      how: 0,
    });
  });

  it("kills at an exit what can be killed", () => {
    assert.deepEqual(run(`${three} process.exit(3);`), { lines: ["third killed", "first killed"], how: 3 });
  });

  it("keeps a signal from nobody once there is nothing to undo", () => {
    const program = `beforeEnd({ stop: () => say("never") })(); process.on("SIGTERM", () => { say("taken over"); process.exit(0); });
      undoAll().then(() => process.kill(process.pid, "SIGTERM")); setInterval(() => {}, 1000);`;
    assert.deepEqual(run(program), { lines: ["taken over"], how: 0 });
  });
});
