// The few elements of SVG that the pictures consist of. Coordinates are as they are to be written.
type Coordinate = number | string;

export const text = (x: Coordinate, y: Coordinate, content: string, attributes = ""): string =>
  `<text x="${x}" y="${y}" ${attributes}>${content.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</text>`;

/** Draws a horizontal line. */
export const line = (x1: Coordinate, x2: Coordinate, y: Coordinate, attributes: string): string =>
  `<line x1="${x1}" x2="${x2}" y1="${y}" y2="${y}" ${attributes}/>`;

export const polyline = (points: readonly string[], attributes: string): string =>
  `<polyline points="${points.join(" ")}" ${attributes}/>`;

/** Borders of a plot, and the value at its top. */
export interface Plot {
  left: number;
  right: number;
  top: number;
  bottom: number;
  highest: number;
}

/** @param share of the way from left to right */
export const xIn = ({ left, right }: Plot, share: number): string => (left + share * (right - left)).toFixed(1);

/** Anything higher than the plot is drawn at its top. */
export const yIn = ({ top, bottom, highest }: Plot, value: number): string =>
  (bottom - (Math.min(value, highest) / highest) * (bottom - top)).toFixed(1);

/** Draws a line for each of these values, with the value and its unit at the left. */
export const grid = (plot: Plot, values: readonly number[], unit: string): string[] =>
  values.flatMap((value) => [
    line(plot.left, plot.right, yIn(plot, value), 'stroke="#d1d5db"'),
    text(plot.left - 8, Number(yIn(plot, value)) + 4, `${value}${unit}`, 'text-anchor="end"'),
  ]);

export interface Page {
  width: number;
  height: number;
  fontSize: number;
  /** Description for those who can't see the picture. */
  label: string;
}

export const page = ({ width, height, fontSize, label }: Page, content: string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="${fontSize}" fill="#111827" role="img" aria-label="${label}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...content,
    "</svg>",
    "",
  ].join("\n");
