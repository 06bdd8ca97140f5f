import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { version } from "../../../package.json";
import { repositoryRoot } from "../../../sandbox/paths";

describe("outpost-shm as a program", () => {
  /** Runs a command whose output nobody reads, as in a pipe to head. */
  async function unread(...args: string[]) {
    const child = spawn(process.execPath, [join(repositoryRoot, "cli", "outpost-shm.mjs"), ...args]);
    child.stdout.destroy();
    const [said] = await Promise.all([text(child.stderr), once(child, "exit")]);
    return [child.exitCode, said];
  }

  it("ends without a word when nobody reads its output any more", async () => {
    assert.deepEqual(await unread("status", "--help"), [141, ""]);
  });

  it("goes on to its end if it changes something", async () => {
    assert.deepEqual(await unread("cleanup", "--help"), [0, ""]);
  });

  it("says its version", () => {
    const said = execFileSync(process.execPath, [join(repositoryRoot, "cli", "outpost-shm.mjs"), "--version"]);
    assert.equal(String(said), `${version}\n`);
  });
});
