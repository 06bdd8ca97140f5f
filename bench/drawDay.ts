// Draws docs/usage-over-a-day.svg from bench/results.json: `npx tsx bench/drawDay.ts`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DayCurve } from "./day";
import { grid, line, page, polyline, text, xIn, yIn, type Plot } from "./svg";

const root = join(__dirname, "..");
const width = 860;
const height = 400;
const plot: Plot = { left: 60, top: 56, right: width - 24, bottom: height - 78, highest: 100 };
// Colour-blind readers can tell these apart too; in print the dashes help.
const styles = [
  { colour: "#b45309", dash: "7 4" },
  { colour: "#6d28d9", dash: "2 3" },
  { colour: "#047857", dash: "" },
];

function axes(): string[] {
  const [from, until] = [9 / 24, 15 / 24].map((share) => xIn(plot, share));
  const flood = `<rect x="${from}" y="${plot.top}" width="${Number(until) - Number(from)}" height="${plot.bottom - plot.top}" fill="#fef3c7"/>`;
  const label = "crawler: 25 visits a second";
  const hours = [0, 3, 6, 9, 12, 15, 18, 21, 24].map((hour) =>
    text(xIn(plot, hour / 24), plot.bottom + 18, `${String(hour).padStart(2, "0")}:00`, 'text-anchor="middle"'),
  );
  return [
    flood,
    text(xIn(plot, 12 / 24), plot.top - 8, label, 'text-anchor="middle" fill="#92400e"'),
    ...grid(plot, [0, 20, 40, 60, 80, 100], " %"),
    ...hours,
  ];
}

/** Draws a policy's curve, and its entry in the legend. */
function curve({ policy, usage, failed, visits }: DayCurve, index: number): string[] {
  const { colour, dash } = styles[index];
  const points = usage.map((percent, n) => `${xIn(plot, n / (usage.length - 1))},${yIn(plot, percent)}`);
  const stroke = `fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"`;
  const refused = failed === 0 ? "no visit refused" : `${((failed * 100) / visits).toFixed(0)} % of visits refused`;
  const [left, top] = [plot.left + index * 270, plot.bottom + 40];
  return [
    polyline(points, stroke),
    line(left, left + 28, top, stroke),
    text(left + 36, top + 4, policy),
    text(left + 36, top + 21, refused, 'fill="#4b5563"'),
  ];
}

export function drawFile(): void {
  const { day } = JSON.parse(readFileSync(join(root, "bench", "results.json"), "utf8")) as { day: DayCurve[] };
  const label = "Usage of /dev/shm over a day under three policies";
  const title = "Usage of a 256 MiB /dev/shm over a simulated day";
  const picture = page({ width, height, fontSize: 13, label }, [
    text(plot.left, 24, title, 'font-size="16" font-weight="600"'),
    ...axes(),
    ...day.flatMap(curve),
  ]);
  writeFileSync(join(root, "docs", "usage-over-a-day.svg"), picture);
}

if (require.main === module) drawFile();
