import { readFileSync } from "node:fs";
import type { Expectation } from "../../components/expectation";

/** What the check at the end of `pulumi up` is told by the program. @param file its path, or - for stdin */
export function readExpectation(file: string): Expectation {
  return JSON.parse(readFileSync(file === "-" ? 0 : file, "utf8")) as Expectation;
}
