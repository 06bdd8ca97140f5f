import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { repositoryRoot } from "../../../sandbox/paths";

describe("outpost-shm as a program", () => {
  it("ends without a word when nobody reads its output any more, as in a pipe to head", async () => {
    const child = spawn(process.execPath, [join(repositoryRoot, "cli", "outpost-shm.mjs"), "--help"]);
    child.stdout.destroy();
    const [said] = await Promise.all([text(child.stderr), once(child, "exit")]);
    assert.deepEqual([child.exitCode, said], [141, ""]);
  });
});
