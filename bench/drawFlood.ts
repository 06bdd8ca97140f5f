// Draws docs/flood.svg from the recording that the node tier left in .sandbox/flood.json, and prints its numbers:
// `npm run test:node`, then `npx tsx bench/drawFlood.ts`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sidecarCpuLimit } from "../cleaner/names";
import { answers, type Second, type Visits } from "../sandbox/node/visits";
import { repositoryRoot, stateRoot } from "../sandbox/paths";

interface Recording {
  flood: { logins: number; rate: number; seconds: number };
  without: Visits;
  with: Visits;
  sidecar: { cpus: number; memoryBytes: number };
}

const mebibyte = 1024 * 1024;
const width = 860;
const height = 480;
const left = 72;
const right = width - 24;
/** Two plots over one time axis: usage above, refusals below. */
const usagePlot = { top: 64, bottom: 268, highest: 256, step: 64 };
const refusalPlot = { top: 318, bottom: 404, highest: 400, step: 200 };
type Plot = typeof usagePlot;

// Colour-blind readers can tell these apart too; in print the dashes help.
const lines = [
  { key: "without", label: "as authentik made it: 64 MiB", colour: "#b45309", dash: "7 4" },
  { key: "with", label: "with the sidecar: 256 MiB", colour: "#047857", dash: "" },
] as const;

const x = (second: number, seconds: number): string => (left + (second / seconds) * (right - left)).toFixed(1);
const y = ({ top, bottom, highest }: Plot, value: number): string =>
  (bottom - (Math.min(value, highest) / highest) * (bottom - top)).toFixed(1);
const text = (at: { x: string | number; y: string | number }, content: string, attributes = ""): string =>
  `<text x="${at.x}" y="${at.y}" ${attributes}>${content}</text>`;

const usage = ({ usedBytes }: Second): number => usedBytes / mebibyte;
const refused = ({ status }: Second): number => status["400"] ?? 0;

function grid(plot: Plot, title: string, unit: string): string[] {
  const values = Array.from({ length: plot.highest / plot.step + 1 }, (_, n) => n * plot.step);
  return [
    text({ x: left, y: plot.top - 12 }, title, 'fill="#4b5563"'),
    ...values.flatMap((value) => [
      `<line x1="${left}" x2="${right}" y1="${y(plot, value)}" y2="${y(plot, value)}" stroke="#d1d5db"/>`,
      text({ x: left - 8, y: Number(y(plot, value)) + 4 }, `${value}${unit}`, 'text-anchor="end"'),
    ]),
  ];
}

function timeAxis(seconds: number): string[] {
  const marks = Array.from({ length: Math.floor(seconds / 30) + 1 }, (_, n) => n * 30);
  return marks.map((second) =>
    text({ x: x(second, seconds), y: refusalPlot.bottom + 20 }, `${second} s`, 'text-anchor="middle"'),
  );
}

function curve(plot: Plot, visits: Visits, value: (second: Second) => number, style: (typeof lines)[number]): string {
  const last = visits.seconds.length;
  const points = visits.seconds.map((second) => `${x(second.second, last)},${y(plot, value(second))}`);
  return `<polyline points="${points.join(" ")}" fill="none" stroke="${style.colour}" stroke-width="2" stroke-dasharray="${style.dash}"/>`;
}

function legend(recording: Recording): string[] {
  return lines.flatMap(({ key, label, colour, dash }, index) => {
    const at = { x: left + index * 400, y: height - 26 };
    const line = `<line x1="${at.x}" x2="${at.x + 28}" y1="${at.y}" y2="${at.y}" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>`;
    const count = (answers(recording[key])["400"] ?? 0).toLocaleString("en");
    return [line, text({ x: at.x + 36, y: at.y + 4 }, `${label}, ${count} visits refused`)];
  });
}

export function drawFlood(recording: Recording): string {
  const { rate, seconds } = recording.flood;
  const title = `${rate} visits a second for ${seconds} seconds, at two outposts in pods`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="#111827" role="img" aria-label="${title}: usage of /dev/shm and HTTP 400 over time, with the sidecar and without">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text({ x: left, y: 24 }, title, 'font-size="16" font-weight="600"'),
    ...grid(usagePlot, "/dev/shm in use", " MiB"),
    ...grid(refusalPlot, "visits answered HTTP 400, a second", ""),
    ...timeAxis(seconds),
    ...lines.map((line) => curve(usagePlot, recording[line.key], usage, line)),
    ...lines.map((line) => curve(refusalPlot, recording[line.key], refused, line)),
    ...legend(recording),
    "</svg>",
    "",
  ].join("\n");
}

/** Formats the rows of the README's table. */
export function numbers({ without, with: swept, sidecar }: Recording): string {
  const of = (visits: Visits, status: string): string => (answers(visits)[status] ?? 0).toLocaleString("en");
  const highest = ({ seconds }: Visits): string => `${Math.ceil(Math.max(...seconds.map(usage)))} MiB`;
  const alive = ({ ending }: Visits): string => `${ending?.alive} of ${ending?.logins}`;
  return [
    `| visits served | ${of(without, "302")} | ${of(swept, "302")} |`,
    `| visits refused with HTTP 400 | ${of(without, "400")} | ${of(swept, "400")} |`,
    `| most of \`/dev/shm\` in use | ${highest(without)} of 64 MiB | ${highest(swept)} of 256 MiB |`,
    `| logins alive at the end | ${alive(without)} | ${alive(swept)} |`,
    `| the sidecar's CPU, on average | | ${(sidecar.cpus * 1000).toFixed(0)}m of ${sidecarCpuLimit} |`,
    `| the sidecar's memory, at most | | ${(sidecar.memoryBytes / mebibyte).toFixed(1)} MiB of 32 MiB |`,
  ].join("\n");
}

if (require.main === module) {
  const recording = JSON.parse(readFileSync(join(stateRoot(), "flood.json"), "utf8")) as Recording;
  writeFileSync(join(repositoryRoot, "docs", "flood.svg"), drawFlood(recording));
  console.log(numbers(recording));
}
