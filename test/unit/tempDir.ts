import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Gives each test of a suite an empty folder of its own. Returns paths in it. */
export function useTempDir(): (...path: string[]) => string {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "unit-"))));
  afterEach(() => rmSync(dir, { recursive: true }));
  return (...path) => join(dir, ...path);
}
