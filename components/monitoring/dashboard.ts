import type { AlertThresholds } from "../../settings/settings";
import { panel, row, type PanelSpec } from "./panel";
import { cronJobPanels, nowPanels, sessionPanels, sweepPanels, usagePanels } from "./panels";

/** Fixed for good, so that links to the dashboard outlive its versions. */
export const dashboardUid = "authentik-outpost-shm";

/** Panels beside each other: a heading, their height, and the width of each, of 24 columns. */
interface Row {
  title: string;
  height: number;
  panels: PanelSpec[];
}

/**
 * A dashboard of the outposts' /dev/shm as Grafana imports it, for any namespace.
 * @param namespace shown first
 */
export function dashboard(namespace: string, thresholds: AlertThresholds) {
  return {
    uid: dashboardUid,
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
      { title: "Now", height: 4, panels: nowPanels(thresholds) },
      { title: "Usage", height: 8, panels: usagePanels(thresholds) },
      { title: "Sessions", height: 8, panels: sessionPanels(thresholds) },
      { title: "Sweep", height: 8, panels: sweepPanels },
      { title: "CronJob (kube-state-metrics)", height: 4, panels: cronJobPanels },
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
  const all = { text: "All", value: "$__all" };
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
      current: all,
    },
  ];
}

/** Lays out the rows one below the other, each with its heading and panels of equal width. */
function laidOut(rows: Row[]) {
  let [id, y] = [0, 0];
  return rows.flatMap(({ title, height, panels }) => {
    const heading = row(++id, y, title);
    const width = 24 / panels.length;
    const placed = panels.map((spec, index) => panel(++id, { x: index * width, y: y + 1, w: width, h: height }, spec));
    y += 1 + height;
    return [heading, ...placed];
  });
}
