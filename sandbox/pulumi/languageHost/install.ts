import { copyFileSync, existsSync, linkSync, mkdirSync, realpathSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { addDynamicHost } from "../dynamicHost";
import { writeScript } from "../../script";

const name = "pulumi-language-nodejs";

/**
 * Returns the folder of a Pulumi CLI with its language host, as in a release. For a CLI built from source this is `folder`,
 * with the CLI and the stand-in in it. The folder must come first on PATH, or the CLI uses another language host that it finds
 * there.
 * @param others paths of language hosts for other languages, which a release has too
 */
export function withLanguageHost(pulumi: string, folder: string, others: readonly string[] = []): string {
  const own = dirname(realpathSync(pulumi));
  if (existsSync(join(own, name))) return own;
  mkdirSync(folder, { recursive: true });
  // A symbolic link would not do, since the CLI looks beside its real file.
  linkOrCopy(pulumi, join(folder, "pulumi"));
  addDynamicHost(join(folder, "pulumi"));
  writeScript(join(folder, name), join(__dirname, "serve.ts"));
  for (const other of others) linkOrCopy(other, join(folder, basename(other)));
  return folder;
}

function linkOrCopy(file: string, target: string): void {
  rmSync(target, { force: true });
  try {
    linkSync(file, target);
  } catch {
    copyFileSync(file, target); // for another filesystem, or one without hard links
  }
}
