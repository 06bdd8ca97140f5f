import { copyFileSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { addDynamicHost } from "../dynamicHost";

/**
 * Makes `folder` what a release of the Pulumi CLI unpacks to: the CLI, and beside it `pulumi-language-nodejs`, here the
 * stand-in. The folder goes onto PATH before any other, or the CLI takes the language host that it finds there.
 */
export function installLanguageHost(folder: string, pulumi: string): void {
  mkdirSync(folder, { recursive: true });
  // A symbolic link would not do: the CLI looks beside its real file.
  linkOrCopy(pulumi, join(folder, "pulumi"));
  addDynamicHost(join(folder, "pulumi"));
  const tsx = pathToFileURL(require.resolve("tsx")).href;
  const command = [process.execPath, "--import", tsx, join(__dirname, "serve.ts")];
  const script = `#!/bin/sh\nexec ${command.map(quoted).join(" ")} "$@"\n`;
  writeFileSync(join(folder, "pulumi-language-nodejs"), script, { mode: 0o755 });
}

function linkOrCopy(file: string, target: string): void {
  rmSync(target, { force: true });
  try {
    linkSync(file, target);
  } catch {
    copyFileSync(file, target); // another filesystem, or one without hard links
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
