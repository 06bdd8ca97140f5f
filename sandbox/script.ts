import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ModuleKind, ScriptTarget, transpileModule } from "typescript";
import { repositoryRoot } from "./paths";

/** Makes `file` an executable that runs a TypeScript module of this clone, with this process's Node and its own arguments. */
export function writeScript(file: string, module: string): void {
  const tsx = pathToFileURL(require.resolve("tsx")).href;
  writeExecutable(file, [process.execPath, "--import", tsx, module]);
}

/**
 * The same for a module that imports nothing but packages. It starts in half the time, which counts where the engine starts it
 * twice a preview.
 */
export function writeCompiledScript(file: string, module: string): void {
  const compiled = `${file}.cjs`;
  const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true };
  writeFileSync(compiled, transpileModule(readFileSync(module, "utf8"), { compilerOptions }).outputText);
  writeExecutable(file, ["env", `NODE_PATH=${join(repositoryRoot, "node_modules")}`, process.execPath, compiled]);
}

function writeExecutable(file: string, command: string[]): void {
  writeFileSync(file, `#!/bin/sh\nexec ${command.map(quoted).join(" ")} "$@"\n`, { mode: 0o755 });
}

/** Quotes a word for a shell. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
