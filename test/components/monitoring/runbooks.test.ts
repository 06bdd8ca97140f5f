import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { alertRules } from "../../../components/monitoring/alerts";
import { resolveSettings } from "../../../components/settings";

const root = join(__dirname, "..", "..", "..");
const settings = resolveSettings({ namespace: "authentik", outposts: ["one"], solution: "both", monitoring: true });
const { thresholds, runbookUrl } = settings.monitoring!;
const rules = alertRules({
  namespace: "authentik",
  sidecars: settings.outposts,
  cronJob: "authentik-outpost-shm-cleanup",
  ...{ thresholds, runbookUrl },
});
const runbooks = readdirSync(join(root, "docs", "runbooks")).sort();
const read = (runbook: string): string => readFileSync(join(root, "docs", "runbooks", runbook), "utf8");

describe("the runbooks", () => {
  it("are there for every alert, at the place it names, and for nothing else", () => {
    const named = [...new Set(rules.map(({ annotations }) => annotations.runbook_url))].sort();
    assert.deepEqual(
      named,
      runbooks.map((runbook) => `docs/runbooks/${runbook}`),
    );
  });

  for (const runbook of runbooks) {
    it(`${runbook} says what it means, what it does, how to find out and what to do`, () => {
      const headings = [...read(runbook).matchAll(/^#+ .*/gm)].map(([heading]) => heading);
      assert.deepEqual(headings, [
        `# ${runbook.replace(".md", "")}`,
        "## Meaning",
        "## Impact",
        "## Diagnosis",
        "## Mitigation",
      ]);
      const sections = read(runbook).split(/^#+ .*\n/gm);
      for (const section of sections.slice(2)) assert.match(section, /\S/);
    });

    it(`${runbook} sets only what can be set, to what can be set, and links only what is there`, () => {
      const given = [...read(runbook).matchAll(/pulumi config set (\w+) ([^\s`]+)/g)];
      for (const [, key, value] of given) {
        // The operator's to fill in.
        if (/^(UID|release=<Helm)$/.test(value)) continue;
        assert.doesNotThrow(() => resolveSettings({ namespace: "authentik", outposts: ["one"], [key]: value }));
      }
      for (const [, link] of read(runbook).matchAll(/\]\(([^)]+)\)/g)) assert.ok(runbooks.includes(link), link);
    });
  }
});
