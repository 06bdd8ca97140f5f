import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { alertRules } from "../../../../components/monitoring/alerts";
import { repositoryRoot } from "../../../../sandbox/paths";
import { settingsOf } from "../../../e2e/monitoring/alertSettings";

const rules = alertRules(settingsOf({ solution: "both" }));
const folder = join(repositoryRoot, "docs", "runbooks");
const runbooks = readdirSync(folder).sort();
const read = (runbook: string): string => readFileSync(join(folder, runbook), "utf8");

describe("the runbooks", () => {
  it("are there for every alert, at the place it names, and for nothing else", () => {
    const named = rules.map(({ annotations }) => / Runbook: (\S+)\.$/.exec(annotations.description)?.[1]);
    assert.deepEqual(
      [...new Set(named)].sort(),
      runbooks.map((runbook) => `docs/runbooks/${runbook}`),
    );
  });

  it("are linked only at an address, since a path of the repository leads nowhere", () => {
    assert.ok(rules.every(({ annotations }) => !("runbook_url" in annotations)));
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
  }
});
