// Draws one panel of the dashboard as SVG, from the panel's own definition: its title, unit, legend and thresholds.
import type { dashboard } from "../components/monitoring/dashboard";
import type { Series } from "../sandbox/monitoring/prometheus";
import * as svg from "./svg";

type AnyPanel = ReturnType<typeof dashboard>["panels"][number];
type GraphPanel = Extract<AnyPanel, { targets: unknown }>;

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

interface Times {
  start: number;
  end: number;
}

/** A line of a panel: its legend and its samples. */
interface Line {
  name: string;
  values: [time: number, value: number][];
}

// The colours of Okabe and Ito, which colour-blind readers can tell apart.
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"];
const thresholdColours: Record<string, string> = { green: "#047857", orange: "#d97706", red: "#b91c1c" };
const letterWidth = 7;
const lineHeight = 15;

const grey = 'fill="#4b5563"';

export const text = (x: number, y: number, content: string, attributes = ""): string =>
  svg.text(x.toFixed(1), y.toFixed(1), content, attributes);

/** @param targets the answer to each of the panel's queries */
export function drawPanel(panel: GraphPanel, targets: Series[][], box: Box, times: Times): string[] {
  const frame = `<rect x="${box.left}" y="${box.top}" width="${box.width}" height="${box.height}" rx="3" fill="#fff" stroke="#d1d5db"/>`;
  const title = text(box.left + 12, box.top + 20, panel.title, 'font-weight="600"');
  const lines = linesOf(panel, targets);
  const content = panel.type === "stat" ? stat(panel, lines, box) : timeseries(panel, lines, box, times);
  return [frame, title, ...content];
}

function linesOf(panel: GraphPanel, targets: Series[][]): Line[] {
  return panel.targets
    .flatMap(({ legendFormat }, index) =>
      (targets[index] ?? []).map(({ metric, values }) => ({
        name: legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ""),
        values: values.filter(([, value]) => Number.isFinite(value)),
      })),
    )
    .sort((a, b) => a.name.localeCompare(b.name));
}

function stat({ fieldConfig }: GraphPanel, lines: Line[], { left, top, width, height }: Box): string[] {
  const { unit, thresholds } = fieldConfig.defaults;
  const value = lines[0]?.values.at(-1)?.[1];
  if (value === undefined) throw new Error("a panel without data");
  const step = thresholds.steps.filter((step) => step.value === null || value >= step.value).at(-1);
  const style = `font-size="34" font-weight="600" text-anchor="middle" fill="${thresholdColours[step?.color ?? "green"]}"`;
  return [text(left + width / 2, top + height / 2 + 22, formatted(unit, value), style)];
}

function timeseries(panel: GraphPanel, lines: Line[], box: Box, times: Times): string[] {
  if (lines.length === 0) throw new Error(`panel ${panel.title} has no data`);
  const { unit, max, custom, thresholds } = panel.fieldConfig.defaults;
  const rows = legendRows(lines, box.width - 24);
  const bottom = box.top + box.height - 28 - rows.length * lineHeight;
  const isStacked = custom?.stacking.mode === "normal";
  const tops = isStacked ? stackedTops(lines) : lines;
  const highest = max ?? roundedUp(Math.max(...tops.flatMap(({ values }) => values.map(([, value]) => value))), unit);
  const plot = { left: box.left + 56, right: box.left + box.width - 14, top: box.top + 34, bottom, highest };
  const limits = custom?.thresholdsStyle ? thresholds.steps : [];
  return [
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((share) => axisMark(plot, unit, share * highest)),
    ...limits.flatMap(({ color, value }) =>
      value === null ? [] : [rule(plot, value, thresholdColours[color], "5 4")],
    ),
    ...areas(plot, tops, times, isStacked),
    ...minutes(plot, times),
    ...legend(rows, box, plot.bottom + 34),
  ];
}

function axisMark(plot: svg.Plot, unit: string, value: number): string[] {
  const y = Number(svg.yIn(plot, value)) + 4;
  const label = formatted(unit, value, plot.highest);
  return [rule(plot, value, "#e5e7eb"), text(plot.left - 6, y, label, `text-anchor="end" ${grey}`)];
}

const rule = (plot: svg.Plot, value: number, colour: string, dash = ""): string =>
  svg.line(plot.left, plot.right, svg.yIn(plot, value), `stroke="${colour}" stroke-dasharray="${dash}"`);

function minutes(plot: svg.Plot, { start, end }: Times): string[] {
  const marks = Array.from({ length: Math.floor((end - start) / 120) + 1 }, (_, n) => n * 2);
  return marks.map((minute) => {
    const x = Number(svg.xIn(plot, (minute * 60) / (end - start)));
    return text(x, plot.bottom + 16, `${minute} min`, `text-anchor="middle" ${grey}`);
  });
}

/** Draws the lines. In a stacked panel it also fills the area between each line and the one below. */
function areas(plot: svg.Plot, lines: Line[], { start, end }: Times, isStacked: boolean): string[] {
  const point = (time: number, value: number): string =>
    `${svg.xIn(plot, (time - start) / (end - start))},${svg.yIn(plot, value)}`;
  let below: string[] | undefined;
  return lines.map(({ values }, index) => {
    const colour = colours[index % colours.length];
    const points = values.map(([time, value]) => point(time, value));
    const line = svg.polyline(points, `fill="none" stroke="${colour}" stroke-width="1.8"`);
    if (!isStacked) return line;
    const floor = below ?? values.map(([time]) => point(time, 0));
    below = points;
    return `<polygon points="${[...points, ...[...floor].reverse()].join(" ")}" fill="${colour}" fill-opacity="0.25"/>${line}`;
  });
}

/** Stacks each line on those before it. All lines must have samples at the same times. */
function stackedTops(lines: Line[]): Line[] {
  const sums = new Map<number, number>();
  return lines.map(({ name, values }) => ({
    name,
    values: values.map(([time, value]) => {
      const sum = (sums.get(time) ?? 0) + value;
      sums.set(time, sum);
      return [time, sum];
    }),
  }));
}

/** Breaks the legend into rows that fit the width. */
function legendRows(lines: Line[], width: number): { name: string; index: number; left: number }[][] {
  const rows: { name: string; index: number; left: number }[][] = [[]];
  let left = 0;
  for (const [index, { name }] of lines.entries()) {
    const needed = 26 + name.length * letterWidth;
    if (left > 0 && left + needed > width) {
      rows.push([]);
      left = 0;
    }
    rows[rows.length - 1].push({ name, index, left });
    left += needed;
  }
  return rows;
}

function legend(rows: ReturnType<typeof legendRows>, { left }: Box, top: number): string[] {
  return rows.flatMap((entries, row) =>
    entries.flatMap(({ name, index, left: offset }) => {
      const [x, y] = [left + 12 + offset, top + row * lineHeight];
      const stroke = `stroke="${colours[index % colours.length]}" stroke-width="3"`;
      return [svg.line(x, x + 12, (y - 4).toFixed(1), stroke), text(x + 17, y, name, 'fill="#374151"')];
    }),
  );
}

const mebibyte = 1024 * 1024;

/** Picks the one scale that all numbers of an axis share, by the highest of them. */
function scaleOf(unit: string, highest: number): { scale: number; name: string } {
  const size = Math.abs(highest);
  if (unit === "percent") return { scale: 1, name: " %" };
  if (unit === "bytes") return { scale: mebibyte, name: " MiB" };
  if (unit === "short") return size >= 1000 ? { scale: 1000, name: " K" } : { scale: 1, name: "" };
  if (size < 1) return { scale: 1e-3, name: " ms" };
  if (size < 120) return { scale: 1, name: " s" };
  return size < 7200 ? { scale: 60, name: " min" } : { scale: 3600, name: " h" };
}

/** Rounds up to a value whose quarters read well. */
function roundedUp(value: number, unit: string): number {
  const { scale } = scaleOf(unit, value);
  const least = Math.max(value / scale, unit === "short" ? 4 : 1e-3);
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 4, 6, 8, 10].find((candidate) => candidate * power >= least) ?? 10;
  return factor * power * scale;
}

/** Formats a value as Grafana does, for the units that the dashboard uses. On an axis, `highest` sets the scale. */
function formatted(unit: string, value: number, highest = value): string {
  const { scale, name } = scaleOf(unit, highest);
  const number = unit === "percent" ? Math.round(value) : Number((value / scale).toPrecision(3));
  return `${number}${name}`;
}
