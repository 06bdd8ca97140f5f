// Panels of a Grafana dashboard, as far as ours need them: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/

/** One line (or number) of a panel. */
export interface Target {
  expr: string;
  /** `{{label}}` stands for a label's value. */
  legend: string;
}

/** The content of a panel, without its place. */
export interface PanelSpec {
  type: "timeseries" | "stat";
  title: string;
  /** Explains what the panel shows and what it means; shown with the title. */
  description: string;
  /**
   * Grafana's name of the unit:
   * https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts
   */
  unit: string;
  targets: Target[];
  /** Colours from a value on; the first is for everything below. */
  thresholds?: { color: string; value: number | null }[];
  decimals?: number;
  min?: number;
  max?: number;
  stacked?: boolean;
}

/** Place of a panel in Grafana's grid of 24 columns. */
export interface GridPosition {
  x: number;
  y: number;
  w: number;
  h: number;
}

const datasource = { type: "prometheus", uid: "${datasource}" };

export function panel(id: number, gridPos: GridPosition, spec: PanelSpec) {
  const { type, title, description, unit, decimals, min, max } = spec;
  const steps = spec.thresholds ?? [{ color: "green", value: null }];
  return {
    id,
    type,
    title,
    description,
    datasource,
    gridPos,
    targets: spec.targets.map((target, index) => query(target, index, type === "stat")),
    fieldConfig: {
      defaults: {
        unit,
        ...(decimals !== undefined && { decimals }),
        ...(min !== undefined && { min }),
        ...(max !== undefined && { max }),
        color: { mode: type === "stat" ? "thresholds" : "palette-classic" },
        thresholds: { mode: "absolute", steps },
        ...(type === "timeseries" && { custom: lineStyle(spec) }),
      },
      overrides: [],
    },
    options: type === "stat" ? statOptions : timeseriesOptions,
  };
}

export function row(id: number, y: number, title: string) {
  return { id, type: "row", title, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] };
}

function query({ expr, legend }: Target, index: number, instant: boolean) {
  const refId = String.fromCharCode("A".charCodeAt(0) + index);
  return { refId, datasource, expr, legendFormat: legend, editorMode: "code", range: !instant, instant };
}

function lineStyle({ stacked, thresholds }: PanelSpec) {
  return {
    drawStyle: "line",
    lineWidth: 2,
    fillOpacity: stacked ? 25 : 5,
    showPoints: "never",
    spanNulls: false,
    stacking: { mode: stacked ? "normal" : "none", group: "A" },
    ...(thresholds && { thresholdsStyle: { mode: "dashed" } }),
  };
}

const statOptions = {
  reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
  colorMode: "value",
  graphMode: "none",
  textMode: "auto",
  orientation: "auto",
};

const timeseriesOptions = {
  legend: { displayMode: "list", placement: "bottom", showLegend: true },
  tooltip: { mode: "multi", sort: "desc" },
};
