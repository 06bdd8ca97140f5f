/** Formats of the results. The default is a plain table. */
export type OutputFormat = "wide" | "json";

/** Formats JSON as kubectl prints it. */
export const asJson = (value: unknown): string => `${JSON.stringify(value, null, 4)}\n`;
