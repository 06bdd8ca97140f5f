import { emphasised, type Io } from "../io";
import { counted } from "../units";

/** One reason why the cure doesn't work, as a check of one object gives it. */
export interface Cause {
  /** The evidence. */
  seen: string;
  /** The reason why it matters. */
  why: string;
  /** The remedy, with the command to run. */
  todo: string;
}

export interface Found extends Cause {
  /** The object it is about, as `Deployment/NAME`. */
  subject: string;
}

export interface Finding extends Found {
  /** Name of the check that found it; see `checks`. */
  check: string;
}

/** Something that could not be looked at, and the reason. */
export interface Unchecked {
  what: string;
  why: string;
}

/** The findings in a namespace. */
export interface Diagnosis {
  namespace: string;
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
