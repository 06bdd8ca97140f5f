import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Writes an executable shell script that finds the system's own programs. */
export function writeProgram(file: string, script: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** Gives each test of a suite a folder of its own: an empty `bin` on PATH, and `cache`, where the toolchain is kept. */
export function useFakePath() {
  let dir: string;
  let environment: NodeJS.ProcessEnv;
  beforeEach(() => {
    environment = { ...process.env };
    dir = mkdtempSync(join(tmpdir(), "fake-path-"));
    Object.assign(process.env, { PATH: join(dir, "bin"), AUTHENTIK_OUTPOST_SHM_CACHE: join(dir, "cache") });
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
    rmSync(dir, { recursive: true });
  });
  return {
    inDir: (...path: string[]) => join(dir, ...path),
    onPath: (name: string, script: string) => writeProgram(join(dir, "bin", name), script),
  };
}
