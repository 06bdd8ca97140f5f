import type { AlertThresholds } from "../../settings/types";
import { panel, row, type PanelSpec, type PanelType } from "./panel";
import { cronJobPanels, nowPanels, sessionPanels, sweepPanels, usagePanels } from "./panels";

/** Fixed for good, so that links to the dashboard outlive its versions. */
const uid = "authentik-outpost-shm";

/** A heading, and panels of one type beside each other. */
type Row = [title: string, type: PanelType, panels: PanelSpec[]];

/** Heights in Grafana's grid. */
const heights = { stat: 4, timeseries: 8 };

/**
 * A dashboard of the outposts' /dev/shm as Grafana imports it, for any namespace.
 * @param namespace shown first
 */
export function dashboard(namespace: string, thresholds: AlertThresholds) {
  return {
    uid,
    title: "authentik outposts: /dev/shm",
    description: "How full the session storage of authentik's proxy outposts is, and what the sweep removes.",
    tags: ["authentik", "outpost", "kubernetes"],
    schemaVersion: 39,
    version: 1,
    editable: false,
    graphTooltip: 1,
    refresh: "30s",
    time: { from: "now-6h", to: "now" },
    timepicker: {},
    annotations: { list: [] },
    links: [],
    templating: { list: variables(namespace) },
    panels: laidOut([
      ["Now", "stat", nowPanels(thresholds)],
      ["Usage", "timeseries", usagePanels(thresholds)],
      ["Sessions", "timeseries", sessionPanels(thresholds)],
      ["Sweep", "timeseries", sweepPanels],
      ["CronJob (kube-state-metrics)", "stat", cronJobPanels],
    ]),
  };
}

function variables(namespace: string) {
  const query = (name: string, label: string, definition: string) => ({
    name,
    label,
    type: "query",
    datasource: { type: "prometheus", uid: "${datasource}" },
    definition,
    query: { query: definition, refId: name },
    refresh: 2,
    sort: 1,
  });
  return [
    { name: "datasource", label: "Data source", type: "datasource", query: "prometheus", refresh: 1 },
    {
      // A namespace with a CronJob alone has no metrics of a sidecar.
      ...query(
        "namespace",
        "Namespace",
        'label_values({__name__=~"authentik_outpost_shm_size_bytes|kube_cronjob_info"}, namespace)',
      ),
      current: { text: namespace, value: namespace },
    },
    {
      ...query("pod", "Pod", 'label_values(authentik_outpost_shm_size_bytes{namespace="$namespace"}, pod)'),
      multi: true,
      includeAll: true,
      allValue: ".*",
      current: { text: "All", value: "$__all" },
    },
  ];
}

/** Lays out the rows one below the other, each with its heading and panels of equal width. */
function laidOut(rows: Row[]) {
  let [id, y] = [0, 0];
  return rows.flatMap(([title, type, panels]) => {
    const heading = row(++id, y, title);
    const [w, h] = [24 / panels.length, heights[type]];
    const placed = panels.map((spec, index) => panel(++id, type, { x: index * w, y: y + 1, w, h }, spec));
    y += 1 + h;
    return [heading, ...placed];
  });
}
