import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { useTempDir } from "../tempDir";

/** Answers as `go version` does, and "builds" by writing its environment to one file for each package, named as Go names it. */
export const WORKING_GO = `
[ "$1" = version ] && { echo "go version \${FAKE_VERSION-go1.99.0} linux/amd64"; exit; }
echo "$@" >>"\${FAKE_BUILDS-/dev/null}"
sleep "\${FAKE_SECONDS-0}"
for argument; do
  [ "$previous" = -o ] && output=$argument
  previous=$argument
  [ "$output" ] && [ "$argument" != "$output" ] || continue
  echo "$GOFLAGS|$GOWORK|$GO111MODULE|$CGO_ENABLED|$GOOS|$GOARCH" >"$output$(basename "\${argument%/v3}")"
done`;

/** Writes an executable shell script that finds the system's own programs. */
export function writeProgram(file: string, script: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** Gives each test of a suite a folder of its own: an empty `bin` on PATH, and `cache`, where the toolchain is kept. */
export function useFakePath() {
  const inDir = useTempDir();
  let environment: NodeJS.ProcessEnv;
  beforeEach(() => {
    environment = { ...process.env };
    Object.assign(process.env, { PATH: inDir("bin"), AUTHENTIK_OUTPOST_SHM_CACHE: inDir("cache") });
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
  });
  return {
    inDir,
    onPath: (name: string, script: string) => writeProgram(inDir("bin", name), script),
  };
}
