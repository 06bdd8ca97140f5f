// The command `render` and kubectl, as someone without Pulumi runs them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { repositoryRoot } from "../../sandbox/paths";
import { silentProgress } from "../../sandbox/progress";
import { createStateFolder } from "../../sandbox/stateFolder";
import { ensureTools } from "../../sandbox/toolchain";

export interface Rendering {
  /** Folder in which the lines run. */
  readonly dir: string;
  /** Runs a line of shell, and fails with what it printed unless it exits with 0. Returns its stdout. */
  shell(line: string): string;
}

/** @param name unique among the tests */
export async function openRendering(name: string, kubeconfig: string): Promise<Rendering> {
  const { kubectl } = await ensureTools(["kubectl"], silentProgress);
  const dir = join(createStateFolder(name), "work");
  mkdirSync(dir);
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH: `${dirname(kubectl)}:${process.env.PATH}` };
  const command = `${process.execPath} ${join(repositoryRoot, "cli", "outpost-shm.mjs")}`;
  return {
    dir,
    shell: (line) => {
      const text = line.replaceAll("npx --no-install outpost-shm", command);
      const { status, stdout, stderr } = spawnSync("sh", ["-c", text], { cwd: dir, env, encoding: "utf8" });
      assert.equal(status, 0, `${line}:\n${stdout}\n${stderr}`);
      return stdout;
    },
  };
}
