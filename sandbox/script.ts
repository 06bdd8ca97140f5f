import { readFileSync, writeFileSync } from "node:fs";
import { ModuleKind, ScriptTarget, transpileModule } from "typescript";

/**
 * Makes `file`, in a folder of this clone, an executable that runs a TypeScript module which imports nothing but packages, with
 * this process's Node and its own arguments. It is compiled beforehand, since the engine starts it up to twice an operation.
 */
export function writeScript(file: string, module: string): void {
  const compiled = `${file}.cjs`;
  const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true };
  writeFileSync(compiled, transpileModule(readFileSync(module, "utf8"), { compilerOptions }).outputText);
  const command = [process.execPath, compiled].map(quoted).join(" ");
  writeFileSync(file, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
}

/** Quotes a word for a shell. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
