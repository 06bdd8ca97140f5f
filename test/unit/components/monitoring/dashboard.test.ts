// Mistakes over which Grafana would stumble, among them those that Grafana's dashboard-linter finds. The linter itself can't be had
// as a pinned Go module. It has four more rules, on job and instance: our queries select by namespace and pod, which any discovery
// provides, while the job's name is that of whoever scrapes. test/e2e/monitoring proves with a Prometheus that each query is valid
// and has an answer.
import assert from "node:assert/strict";
import { dashboard } from "../../../../components/monitoring/dashboard";

const { panels, templating, ...rest } = dashboard("authentik", {
  usageWarning: 70,
  usageCritical: 90,
  sessionFilesWarning: 1000,
});
const graphs = panels.flatMap((panel) => ("targets" in panel ? [panel] : []));

describe("the dashboard", () => {
  it("keeps its uid, can be found by tags, and is nobody's to edit in place", () => {
    assert.deepEqual([rest.uid, rest.title], ["authentik-outpost-shm", "authentik outposts: /dev/shm"]);
    assert.deepEqual(rest.tags, ["authentik", "outpost", "kubernetes"]);
    assert.deepEqual([rest.editable, rest.schemaVersion], [false, 39]);
  });

  it("asks for data source, namespace and pods, and begins with the stack's namespace", () => {
    const variables = templating.list.map(({ name, type }) => [name, type]);
    assert.deepEqual(variables, [
      ["datasource", "datasource"],
      ["namespace", "query"],
      ["pod", "query"],
    ]);
    const [, namespace, pod] = templating.list;
    assert.deepEqual("current" in namespace && namespace.current, { text: "authentik", value: "authentik" });
    assert.ok("multi" in pod && pod.multi && pod.includeAll);
  });

  it("numbers its panels once each", () => {
    const ids = panels.map(({ id }) => id);
    assert.deepEqual(
      [...ids].sort((a, b) => a - b),
      ids.map((_, index) => index + 1),
    );
  });

  it("lays them out in 24 columns, none on top of another, no gaps in a row", () => {
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      const { x, y, w, h } = gridPos;
      assert.ok(Number.isInteger(w) && x >= 0 && x + w <= 24, title);
      for (let column = x; column < x + w; column++)
        for (let line = y; line < y + h; line++) {
          const cell = `${column},${line}`;
          assert.ok(!taken.has(cell), `${title} covers ${cell}`);
          taken.add(cell);
        }
    }
    const height = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h));
    assert.equal(taken.size, 24 * height);
  });

  it("has a unit, a description, a data source and a legend for each query", () => {
    // From https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts
    const units = ["percent", "bytes", "short", "s"];
    for (const { title, description, datasource, fieldConfig, targets } of graphs) {
      assert.ok(units.includes(fieldConfig.defaults.unit), title);
      assert.match(description, /\.$/, title);
      assert.deepEqual(datasource, { type: "prometheus", uid: "${datasource}" });
      assert.notEqual(targets.length, 0);
      for (const { expr, legendFormat, refId } of targets) {
        assert.match(legendFormat, /\S/, title);
        assert.match(refId, /^[A-Z]$/);
        assert.match(expr, /namespace="\$namespace"/, title);
      }
    }
    assert.equal(new Set(graphs.map(({ title }) => title)).size, graphs.length);
  });

  it("shows counters only as rates, over the interval that Grafana reckons or one that the title names", () => {
    for (const { title, targets } of graphs)
      for (const { expr } of targets.filter(({ expr }) => /_total\b/.test(expr))) {
        const ranges = [...expr.matchAll(/\b(?:rate|increase)\([^[(]*_total\{[^}]*\}\[([^\]]+)\]\)/g)];
        assert.equal(ranges.length, expr.match(/_total\b/g)?.length, title);
        for (const [, range] of ranges)
          if (range !== "$__rate_interval") assert.ok(title.includes(range.replace("h", " h")));
      }
  });

  it("asks for the variables anew when the time range changes, and by the data source that is chosen", () => {
    for (const variable of templating.list.filter((each) => "definition" in each)) {
      assert.deepEqual([variable.refresh, variable.datasource], [2, { type: "prometheus", uid: "${datasource}" }]);
    }
  });

  it("draws the lines where the alerts begin", () => {
    const usage = graphs.find(({ title }) => title === "Usage");
    const lines = usage?.fieldConfig.defaults.thresholds.steps.map(({ value }) => value);
    assert.deepEqual(lines, [null, 70, 90]);
  });
});
