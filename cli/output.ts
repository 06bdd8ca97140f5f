import Table from "cli-table3";

/** Formats of the results. The default is a plain table. */
export type OutputFormat = "wide" | "json";

/** Formats JSON as kubectl prints it. */
export const asJson = (value: unknown): string => `${JSON.stringify(value, null, 4)}\n`;

/** Formats a table as kubectl does: a head in capitals, columns two spaces apart, no lines. */
export function table(head: string[], rows: string[][]): string {
  const line = { top: "", "top-mid": "", "top-left": "", "top-right": "", mid: "", "mid-mid": "", "left-mid": "" };
  const bottom = { bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "", "right-mid": "" };
  const drawn = new Table({
    head,
    chars: { ...line, ...bottom, left: "", right: "", middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  drawn.push(...rows);
  const lines = drawn.toString().split("\n");
  return lines.map((text) => `${text.trimEnd()}\n`).join("");
}
