// Shows the results of the engine's operations in the demo.
import type { Report } from "../engine";

export type Say = (line: string) => void;

export const heading = (say: Say, text: string): void => say(`\n── ${text}`);

/** Leaves out the refresh that a preview begins with. It prints a line per resource and state, which say nothing here. */
export const withoutRefresh = (stdout: string): string =>
  stdout
    .split("\n")
    .filter((line) => !/ (refresh|refreshing|running) *$/.test(line))
    .join("\n")
    .trim();

export function summaryOf({ changeSummary }: Report): string {
  const counts = Object.entries(changeSummary).map(([operation, count]) => `${count} ${operation}`);
  return `  ${counts.join(", ")}`;
}

export const isUnchanged = ({ steps }: Report): boolean => steps.every(({ op }) => op === "same" || op === "refresh");
