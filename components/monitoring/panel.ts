// Panels of a Grafana dashboard, as far as ours need them: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/

/** A number, or lines over time. */
export type PanelType = "stat" | "timeseries";

/** The content of a panel, without its place. */
export interface PanelSpec {
  title: string;
  /** Explains what the panel shows and what it means; shown with the title. */
  description: string;
  /**
   * Grafana's name of the unit:
   * https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts
   */
  unit: string;
  /** The query, in PromQL. */
  expr: string;
  /** Name of each line; `{{label}}` stands for a label's value. Default: the pod. */
  legend?: string;
  /** Colours from a value on; the first is for everything below. Default: green. */
  thresholds?: { color: string; value: number | null }[];
  /** Default: Grafana's choice, as with `max`. */
  decimals?: number;
  max?: number;
  stacked?: boolean;
}

const datasource = { type: "prometheus", uid: "${datasource}" };

/** Makes a panel. @param gridPos its place in Grafana's grid of 24 columns */
export function panel(id: number, type: PanelType, gridPos: Record<"x" | "y" | "w" | "h", number>, spec: PanelSpec) {
  const { title, description, unit, expr, legend = "{{pod}}", decimals, max } = spec;
  const steps = spec.thresholds ?? [{ color: "green", value: null }];
  const instant = type === "stat";
  return {
    id,
    type,
    title,
    description,
    datasource,
    gridPos,
    targets: [{ refId: "A", datasource, expr, legendFormat: legend, editorMode: "code", range: !instant, instant }],
    fieldConfig: {
      defaults: {
        unit,
        ...(decimals !== undefined && { decimals }),
        ...(type === "timeseries" && { min: 0 }),
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
