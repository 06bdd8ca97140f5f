/** How results are printed: a table where nothing is said. */
export type OutputFormat = "wide" | "json";

/** As kubectl prints it. */
export const asJson = (value: unknown): string => `${JSON.stringify(value, null, 4)}\n`;
