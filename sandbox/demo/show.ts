// How the demo shows what an operation of the engine did.
import type { Report } from "../engine";

export type Say = (line: string) => void;

export const heading = (say: Say, text: string): void => say(`\n── ${text}`);

/** A preview begins by looking at what is there: one line a resource and state, which say nothing here. */
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
