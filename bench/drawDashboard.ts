// Draws docs/dashboard.svg from the recording in .sandbox/dashboard.json: `npx tsx bench/recordDashboard.ts`, then
// `npx tsx bench/drawDashboard.ts`. The panels have Grafana's positions and show the answers to their queries.
// Grafana itself draws them differently.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot, stateRoot } from "../sandbox/paths";
import { drawPanel, text, type Box } from "./dashboardPanel";
import { shown, type Recording } from "./recordDashboard";
import { page } from "./svg";

const width = 1200;
const margin = 10;
/** Grafana's grid: the width of a column, the height of a line, and the gap between panels. */
const column = (width - 2 * margin) / 24;
const line = 30;
const gap = 6;
const top = 56;

function boxOf({ x, y, w, h }: { x: number; y: number; w: number; h: number }): Box {
  return {
    left: margin + x * column + gap / 2,
    top: top + y * line + gap / 2,
    width: w * column - gap,
    height: h * line - gap,
  };
}

function drawDashboard({ start, end, panels: recorded }: Recording): string {
  const { title, panels } = shown;
  const height = top + Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * line + margin;
  const drawn = panels.flatMap((panel) => {
    const box = boxOf(panel.gridPos);
    if (!("targets" in panel)) return [text(box.left, box.top + 19, panel.title, 'font-weight="600" font-size="14"')];
    const { targets } = recorded.find(({ id }) => id === panel.id) ?? { targets: [] };
    return drawPanel(panel, targets, box, { start, end });
  });
  const what =
    "panels drawn from the dashboard's own queries: ten minutes of two sidecars, with a crawler at one of them";
  return page({ width, height, fontSize: 12, label: `${title}: ${what}`, background: "#f3f4f6" }, [
    text(margin + 3, 26, title, 'font-size="17" font-weight="600"'),
    text(margin + 3, 46, what, 'fill="#4b5563"'),
    ...drawn,
  ]);
}

const recording = JSON.parse(readFileSync(join(stateRoot(), "dashboard.json"), "utf8")) as Recording;
writeFileSync(join(repositoryRoot, "docs", "dashboard.svg"), drawDashboard(recording));
