import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { stateRoot } from "../../../sandbox/paths";
import { createStateFolder } from "../../../sandbox/stateFolder";

const module = JSON.stringify(join(__dirname, "..", "..", "..", "sandbox", "stateFolder.ts"));

/** Returns the folder of a process of its own, with a file in it, after that process ended in this way. */
function folderOf(ending: string): string {
  const program = `const folder = require(${module}).createStateFolder("trial");
    require("node:fs").writeFileSync(folder + "/file", "");
    require("node:fs").writeSync(1, folder);
    ${ending}; setInterval(() => {}, 1000);`;
  return spawnSync(process.execPath, ["--import", "tsx", "--eval", program], { encoding: "utf8" }).stdout;
}

describe("a folder for state", function () {
  this.timeout(20_000);

  it("is another each time", () => assert.notEqual(createStateFolder("trial"), createStateFolder("trial")));

  for (const ending of ["process.exit(0)", 'process.kill(process.pid, "SIGTERM")']) {
    it(`goes when its process ends by ${ending}`, () => {
      const folder = folderOf(ending);
      assert.match(basename(folder), /^trial\./);
      assert.equal(existsSync(folder), false);
    });
  }

  it("goes at the next call where its process was killed outright", () => {
    const folder = folderOf('process.kill(process.pid, "SIGKILL")');
    assert.ok(existsSync(join(folder, "file")));
    createStateFolder("trial");
    assert.equal(existsSync(folder), false);
  });

  it("stays where its process is one of another host, or runs, or is none that a name tells", () => {
    const ended = spawnSync("true").pid;
    const others = [`trial.elsewhere.${ended}.AbCdEf`, `trial.${hostname()}.${process.ppid}.AbCdEf`, "trial.json"];
    const paths = others.map((other) => join(stateRoot(), other));
    mkdirSync(stateRoot(), { recursive: true });
    for (const path of paths) writeFileSync(path, "");
    try {
      createStateFolder("trial");
      const gone = paths.filter((path) => !existsSync(path));
      assert.deepEqual(gone, []);
    } finally {
      for (const path of paths) rmSync(path);
    }
  });
});
