import { readFileSync } from "node:fs";
import { join } from "node:path";
import { goBuild, requireGo } from "../toolchain/go";

/** Builds the stand-in beside this file, as a static program at `binary`. With only Go's standard library this takes seconds. */
export async function buildStandIn(binary: string, logFile: string): Promise<string> {
  const goVersion = /^go (\S+)$/m.exec(readFileSync(join(__dirname, "go.mod"), "utf8"))![1];
  const module = { name: "outpost stand-in", dir: __dirname, goVersion };
  requireGo(module);
  await goBuild(module, ["-trimpath", "-ldflags", "-s -w", "-o", binary, "."], logFile);
  return binary;
}
