// Mistakes over which Grafana would stumble: by Grafana's own linter, and a few that it does not know. test/e2e/monitoring proves
// with a Prometheus that each query has an answer.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { dashboard } from "../../../../components/monitoring/dashboard";
import { consoleProgress } from "../../../../sandbox/progress";
import { ensureTools } from "../../../../sandbox/toolchain";

const made = dashboard("authentik", { usageWarning: 70, usageCritical: 90, sessionFilesWarning: 1000 });
const { panels, templating, ...rest } = made;
const graphs = panels.flatMap((panel) => ("targets" in panel ? [panel] : []));

describe("the dashboard", () => {
  it("passes Grafana's dashboard-linter, but for rules that dashboard-linter.yaml excludes with a reason", async function () {
    this.timeout(600_000);
    const { "dashboard-linter": linter } = await ensureTools(["dashboard-linter"], consoleProgress());
    const config = join(__dirname, "dashboard-linter.yaml");
    const lint = { input: JSON.stringify(made), encoding: "utf8" } as const;
    const { status, stdout } = spawnSync(linter, ["lint", "--stdin", "--strict", "--config", config], lint);
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.includes("\u274c")), // a cross
      [],
    );
    assert.equal(status, 0);
  });

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

  it("queries only the chosen namespace and data source, with a legend, and names no two panels alike", () => {
    const variables = templating.list.flatMap((each) => ("definition" in each ? [each] : []));
    for (const { datasource } of [...graphs, ...variables])
      assert.deepEqual(datasource, { type: "prometheus", uid: "${datasource}" });
    for (const { title, targets } of graphs)
      for (const { expr, legendFormat, refId } of targets) {
        assert.match(legendFormat, /\S/, title);
        assert.match(refId, /^[A-Z]$/);
        assert.match(expr, /namespace="\$namespace"/, title);
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

  it("draws the lines where the alerts begin", () => {
    const usage = graphs.find(({ title }) => title === "Usage");
    const lines = usage?.fieldConfig.defaults.thresholds.steps.map(({ value }) => value);
    assert.deepEqual(lines, [null, 70, 90]);
  });
});
