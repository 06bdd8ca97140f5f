import { emphasised, type Io } from "../io";
import { counted } from "../units";
import type { Finding, Unchecked } from "./finding";

export interface Diagnosis {
  findings: Finding[];
  checked: string[];
  unchecked: Unchecked[];
}

/** Formats each finding as a paragraph, followed by the checks that were made and those that could not be. */
export function diagnosisText({ findings, checked, unchecked }: Diagnosis, io: Pick<Io, "colour">): string {
  const paragraphs = findings.map(
    ({ subject, check, seen, why, todo }) =>
      `${emphasised(io, "critical", subject)} (${check})\n  seen: ${seen}\n  why:  ${why}\n  do:   ${todo}\n\n`,
  );
  const gaps = unchecked.map(({ what, why }) => `Not checked: ${what} (${why})\n`);
  const sum = findings.length === 0 ? "Nothing found.\n" : `${counted(findings.length, "finding")}.\n`;
  return [...paragraphs, `Checked: ${checked.join(", ")}\n`, ...gaps, sum].join("");
}
