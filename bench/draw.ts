// Draws docs/usage-over-a-day.svg from bench/results.json: `npx tsx bench/draw.ts`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DayCurve } from "./day";

const root = join(__dirname, "..");
const width = 860;
const height = 400;
const plot = { left: 60, top: 56, right: width - 24, bottom: height - 78 };
// Colour-blind readers can tell these apart too; in print the dashes help.
const styles = [
  { colour: "#b45309", dash: "7 4" },
  { colour: "#6d28d9", dash: "2 3" },
  { colour: "#047857", dash: "" },
];

const x = (share: number): string => (plot.left + share * (plot.right - plot.left)).toFixed(1);
const y = (percent: number): string => (plot.bottom - (percent / 100) * (plot.bottom - plot.top)).toFixed(1);
const text = (at: { x: string | number; y: string | number }, content: string, attributes = ""): string =>
  `<text x="${at.x}" y="${at.y}" ${attributes}>${content}</text>`;

function axes(): string[] {
  const percents = [0, 20, 40, 60, 80, 100].flatMap((percent) => [
    `<line x1="${plot.left}" x2="${plot.right}" y1="${y(percent)}" y2="${y(percent)}" stroke="#d1d5db"/>`,
    text({ x: plot.left - 8, y: Number(y(percent)) + 4 }, `${percent} %`, 'text-anchor="end"'),
  ]);
  const hours = [0, 3, 6, 9, 12, 15, 18, 21, 24].map((hour) =>
    text({ x: x(hour / 24), y: plot.bottom + 18 }, `${String(hour).padStart(2, "0")}:00`, 'text-anchor="middle"'),
  );
  const flood = `<rect x="${x(9 / 24)}" y="${plot.top}" width="${((plot.right - plot.left) * 6) / 24}" height="${plot.bottom - plot.top}" fill="#fef3c7"/>`;
  const label = text(
    { x: x(12 / 24), y: plot.top - 8 },
    "crawler: 25 visits a second",
    'text-anchor="middle" fill="#92400e"',
  );
  return [flood, label, ...percents, ...hours];
}

export function draw(curves: readonly DayCurve[]): string {
  const lines = curves.flatMap(({ policy, usage, failed, visits }, index) => {
    const { colour, dash } = styles[index % styles.length] ?? { colour: "#000", dash: "" };
    const points = usage.map((percent, n) => `${x(n / (usage.length - 1))},${y(percent)}`).join(" ");
    const stroke = `fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"`;
    const refused = failed === 0 ? "no visit refused" : `${((failed * 100) / visits).toFixed(0)} % of visits refused`;
    const top = plot.bottom + 40;
    const left = plot.left + index * 270;
    return [
      `<polyline points="${points}" ${stroke}/>`,
      `<line x1="${left}" x2="${left + 28}" y1="${top}" y2="${top}" ${stroke}/>`,
      text({ x: left + 36, y: top + 4 }, policy),
      text({ x: left + 36, y: top + 21 }, refused, 'fill="#4b5563"'),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="#111827" role="img" aria-label="Usage of /dev/shm over a day under three policies">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(
      { x: plot.left, y: 24 },
      "Usage of a 256 MiB /dev/shm over a simulated day",
      'font-size="16" font-weight="600"',
    ),
    ...axes(),
    ...lines,
    "</svg>",
    "",
  ].join("\n");
}

export function drawFile(): void {
  const { day } = JSON.parse(readFileSync(join(root, "bench", "results.json"), "utf8")) as { day: DayCurve[] };
  writeFileSync(join(root, "docs", "usage-over-a-day.svg"), draw(day));
}

if (require.main === module) drawFile();
