import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** Makes `file` an executable that runs a TypeScript module of this clone, with this process's Node and its own arguments. */
export function writeScript(file: string, module: string): void {
  const tsx = pathToFileURL(require.resolve("tsx")).href;
  const command = [process.execPath, "--import", tsx, module];
  writeFileSync(file, `#!/bin/sh\nexec ${command.map(quoted).join(" ")} "$@"\n`, { mode: 0o755 });
}

/** Quotes a word for a shell. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
