import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { deploymentsFolder, mark } from "../../render/directory";
import { UsageError } from "../errors";

type Files = Readonly<Record<string, string>>;

/** Differences between a folder and the files that it should have, by path. Files of others are none. */
export interface Difference {
  missing: string[];
  changed: string[];
  /** Files that an earlier run wrote. */
  extra: string[];
}

export function differenceOf(dir: string, files: Files): Difference {
  const paths = Object.keys(files);
  const there = (path: string) => existsSync(join(dir, path));
  return {
    missing: paths.filter((path) => !there(path)),
    changed: paths.filter((path) => there(path) && textOf(dir, path) !== files[path]),
    extra: ["", deploymentsFolder]
      .filter(there)
      .flatMap((folder) => readdirSync(join(dir, folder)).map((name) => (folder ? `${folder}/${name}` : name)))
      .filter((path) => path.endsWith(".yaml") && !(path in files) && textOf(dir, path).startsWith(mark))
      .sort(),
  };
}

/**
 * Writes the files, and removes those that an earlier run wrote and that are none any more.
 * @throws UsageError if it would replace a file of somebody else; nothing is changed then
 */
export function writeFiles(dir: string, files: Files, { missing, changed, extra }: Difference): void {
  const foreign = changed.filter((path) => !textOf(dir, path).startsWith(mark));
  if (foreign.length > 0)
    throw new UsageError(
      `${dir}: ${foreign.join(", ")}: not written by \`outpost-shm render\`, so nothing was changed; name another folder`,
    );
  for (const path of [...missing, ...changed]) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), files[path]);
  }
  for (const path of extra) rmSync(join(dir, path));
}

/** Shows the lines from the first that differs to the last. */
export function shownChange(dir: string, path: string, wanted: string): string {
  const [old, now] = [textOf(dir, path), wanted].map((text) => text.split("\n"));
  const first = old.findIndex((line, index) => line !== now[index]);
  const start = first < 0 ? old.length : first;
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - start && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const part = (sign: string, lines: string[]) =>
    lines.slice(start, lines.length - tail).map((line) => `${sign}${line}\n`);
  return [`@@ line ${start + 1} @@\n`, ...part("-", old), ...part("+", now)].join("");
}

const textOf = (dir: string, path: string): string => readFileSync(join(dir, path), "utf8");
