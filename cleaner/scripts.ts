import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The scripts of `cleaner/`. */
export interface CleanerScripts {
  /** One sweep of a directory, as one text that needs no other file. */
  readonly sweep: string;
  /** The CronJob's run of the sweep in every outpost pod, likewise. */
  readonly cronjob: string;
  /** The sidecar's command, which runs the loop from the mounted files. */
  readonly loader: string;
  /** The files that the sidecar runs, by name, with the checksum by which the loader knows that they are complete. */
  readonly files: Readonly<Record<string, string>>;
}

const read = (name: string): string => readFileSync(join(__dirname, name), "utf8");

/** The files of {@link CleanerScripts.files} in the order of their checksum; loader.sh has the same. */
const fileNames = ["judge.awk", "sidecar.sh", "sweep.sh"];

const scripts = readScripts();

export const cleanerScripts = (): CleanerScripts => scripts;

/**
 * Returns the command and the input that run a sweep by exec. As an argument the script would be a part of the request's address,
 * which proxies limit. It ends the shell itself, since the end of an exec's input is not seen on every version of Kubernetes.
 * Where it is seen, it means that the client is gone. The sweep is then ended with all its processes: a command that is run by
 * exec leads a process group of its own.
 */
export function sweepByStdin(settings: readonly string[]): { command: string[]; stdin: string } {
  return { command: ["sh", "-s", "--", ...settings], stdin: `{\n${endsWithItsInput}${scripts.sweep}exit\n}\n` };
}

/**
 * Braces around script and this make the shell read all of its input before it runs a word of it. The watcher is waited for in the
 * end, since the first process of a container may reap nobody.
 */
const endsWithItsInput = `exec 9<&0 </dev/null
(while read -r _; do :; done; kill -s KILL -- "-$$") <&9 >/dev/null 2>&1 &
trap 'kill -s KILL $!; wait $! 2>/dev/null' EXIT
`;

function readScripts(): CleanerScripts {
  const files = Object.fromEntries(fileNames.map((name) => [name, read(name)]));
  const sum = createHash("sha256").update(Object.values(files).join("")).digest("hex");
  return {
    sweep: embedded("sweep.sh", "JUDGE", "judge.awk"),
    cronjob: embedded("cronjob.sh", "SWEEP_POD", "sweepPod.sh"),
    loader: read("loader.sh"),
    files: { ...files, sha256: `${sum}\n` },
  };
}

/** Returns a script with the text of another in the place where it would read that file into a variable. */
function embedded(script: string, variable: string, file: string): string {
  const parts = read(script).split(`${variable}=$(cat "$(dirname "$0")/${file}")\n`);
  if (parts.length !== 2) throw new Error(`cleaner/${script} does not read ${file} where it used to`);
  return parts.join(`${variable}='${read(file).replaceAll("'", "'\\''")}'\n`);
}
