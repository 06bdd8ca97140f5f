// Draws docs/flood.svg from the recording that the node tier left in .sandbox/flood.json, and prints its numbers:
// `npm run test:node`, then `npx tsx bench/drawFlood.ts`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answers, type Second, type Visits } from "../sandbox/node/visits";
import { repositoryRoot, stateRoot } from "../sandbox/paths";
import { grid, line, page, polyline, text, xIn, yIn, type Plot } from "./svg";

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
const usagePlot: Plot = { left, right, top: 64, bottom: 268, highest: 256 };
const refusalPlot: Plot = { left, right, top: 318, bottom: 404, highest: 400 };

// Colour-blind readers can tell these apart too; in print the dashes help.
const runs = [
  { key: "without", label: "as authentik made it: 64 MiB", stroke: strokeOf("#b45309", "7 4") },
  { key: "with", label: "with the sidecar: 256 MiB", stroke: strokeOf("#047857", "") },
] as const;

function strokeOf(colour: string, dash: string): string {
  return `stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"`;
}

const usage = ({ usedBytes }: Second): number => usedBytes / mebibyte;
const refused = ({ status }: Second): number => status["400"] ?? 0;
const count = (visits: Visits, status: string): string => (answers(visits)[status] ?? 0).toLocaleString("en");

function curve(plot: Plot, { seconds }: Visits, value: (second: Second) => number, stroke: string): string {
  const points = seconds.map((second) => `${xIn(plot, second.second / seconds.length)},${yIn(plot, value(second))}`);
  return polyline(points, `fill="none" ${stroke}`);
}

function drawFlood(recording: Recording): string {
  const { rate, seconds } = recording.flood;
  const title = `${rate} visits a second for ${seconds} seconds, at two outposts in pods`;
  const label = `${title}: usage of /dev/shm and HTTP 400 over time, with the sidecar and without`;
  const marks = Array.from({ length: Math.floor(seconds / 30) + 1 }, (_, n) => n * 30);
  return page({ width, height, fontSize: 13, label }, [
    text(left, 24, title, 'font-size="16" font-weight="600"'),
    text(left, usagePlot.top - 12, "/dev/shm in use", 'fill="#4b5563"'),
    ...grid(usagePlot, [0, 64, 128, 192, 256], " MiB"),
    text(left, refusalPlot.top - 12, "visits answered HTTP 400, a second", 'fill="#4b5563"'),
    ...grid(refusalPlot, [0, 200, 400], ""),
    ...marks.map((second) =>
      text(xIn(usagePlot, second / seconds), refusalPlot.bottom + 20, `${second} s`, 'text-anchor="middle"'),
    ),
    ...runs.map(({ key, stroke }) => curve(usagePlot, recording[key], usage, stroke)),
    ...runs.map(({ key, stroke }) => curve(refusalPlot, recording[key], refused, stroke)),
    ...runs.flatMap(({ key, label, stroke }, index) => {
      const [x, y] = [left + index * 400, height - 26];
      const entry = `${label}, ${count(recording[key], "400")} visits refused`;
      return [line(x, x + 28, y, stroke), text(x + 36, y + 4, entry)];
    }),
  ]);
}

/** Formats the numbers that README.md tells of the flood. */
function numbers({ flood, without, with: swept, sidecar }: Recording): string {
  const { rate, seconds } = flood;
  const highest = Math.ceil(Math.max(...swept.seconds.map(usage)));
  return [
    `refused of ${rate * seconds}: ${count(without, "400")}, with the sidecar ${count(swept, "400")}`,
    `with the sidecar at most ${highest} MiB in use, and ${swept.ending?.alive} of ${swept.ending?.logins} logins alive`,
    `the sidecar: ${(sidecar.cpus * 1000).toFixed(0)}m on average, ${(sidecar.memoryBytes / mebibyte).toFixed(1)} MiB at most`,
  ].join("\n");
}

const recording = JSON.parse(readFileSync(join(stateRoot(), "flood.json"), "utf8")) as Recording;
writeFileSync(join(repositoryRoot, "docs", "flood.svg"), drawFlood(recording));
console.log(numbers(recording));
