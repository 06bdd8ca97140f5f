// The sweep as the CLI runs it by exec: the script on stdin, which stays open for as long as the connection does.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { sweepByStdin } from "../../../cleaner/scripts";
import { changed, coverage, fields, shells } from "../../../sandbox/cleaner/shells";
import { waitUntil } from "../../../sandbox/waitUntil";

for (const shell of shells) {
  describe(`a sweep by stdin on ${shell.name}${coverage}`, () => {
    let dir: string;
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), "by-stdin-"));
      mkdirSync(join(dir, "shm"));
      for (const n of [1, 2, 3]) writeFileSync(join(dir, "shm", `session_${n}`), "");
    });
    afterEach(() => rmSync(dir, { recursive: true }));

    /** Starts it as a container's runtime does: in a session, and so a process group, of its own. */
    const start = (hurdle = "") => {
      const { command, stdin } = sweepByStdin([`SHM_DIR=${join(dir, "shm")}`, "COUNT_ONLY=1"]);
      const [program, ...args] = [...shell.command, ...command.slice(1)];
      const child = spawn(program, args, { env: { PATH: shell.path }, detached: true });
      child.stdin.write(changed(stdin, "\nexec 3>&1 #", `\n${hurdle}\nexec 3>&1 #`));
      const closed = once(child, "close") as Promise<[number | null, string | null]>;
      return { child, ended: Promise.all([text(child.stdout), text(child.stderr), closed]) };
    };

    it("ends by itself, with its input still open, and leaves no process", async () => {
      const { child, ended } = start();
      const [stdout, stderr, [status]] = await ended;
      assert.deepEqual([status, stderr, fields(stdout).debris], [0, "", "3"]);
      assert.deepEqual(groupOf(child.pid!), []);
    });

    it("ends with its input, with all that it started: the connection is gone", async () => {
      const { child, ended } = start("sleep 600 | cat");
      const group = () => Promise.resolve(groupOf(child.pid!));
      const sleeps = async () => (await group()).some((line) => line.includes("sleep 600")) || undefined;
      await waitUntil(sleeps, { what: "the sweep under way", timeoutMs: 10_000 });
      child.stdin.end();
      const [, , [status, signal]] = await ended;
      assert.deepEqual([status, signal], [null, "SIGKILL"]);
      const isGone = async () => (await group()).length === 0 || undefined;
      await waitUntil(isGone, { what: "all of it gone", timeoutMs: 10_000 });
    });
  });
}

/** Lists the command lines of a process group. */
const groupOf = (leader: number): string[] =>
  spawnSync("pgrep", ["-g", String(leader), "-a"], { encoding: "utf8" })
    .stdout.split("\n")
    .filter(Boolean);
