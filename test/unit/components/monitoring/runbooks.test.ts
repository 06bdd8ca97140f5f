import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../../../cli/program";
import { alertRules } from "../../../../components/monitoring/alerts";
import { resolveSettings } from "../../../../settings/resolve";
import { settingsOf } from "../../../e2e/monitoring/alertSettings";

const root = join(__dirname, "..", "..", "..", "..");
const rules = alertRules(settingsOf({ solution: "both" }));
const folder = join(root, "docs", "runbooks");
const runbooks = readdirSync(folder).sort();
const read = (runbook: string): string => readFileSync(join(folder, runbook), "utf8");

/** Returns the help of a command of the CLI; undefined if there is none of that name. */
async function help(command: string): Promise<string | undefined> {
  let said = "";
  const say = (text: string) => (said += text);
  const io = { out: say, err: say } as unknown as Parameters<typeof run>[1];
  const code = await run([command, "--help"], io, {} as unknown as Parameters<typeof run>[2]);
  return code === 0 && said.includes(`outpost-shm ${command} `) ? said : undefined;
}

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
    const linked = alertRules(settingsOf({ runbookUrl: "https://git.example.com/runbooks" }));
    for (const { alert, annotations } of linked) {
      assert.equal(annotations.runbook_url, `https://git.example.com/runbooks/${alert}.md`);
      assert.doesNotMatch(annotations.description, /Runbook/);
    }
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

    it(`${runbook} runs only commands that there are, with flags that they take`, async () => {
      for (const [, command, args] of read(runbook).matchAll(/npx --no-install outpost-shm (\w+)([^`\n]*)/g)) {
        const known = await help(command);
        assert.ok(known, `outpost-shm ${command}`);
        for (const [flag] of args.matchAll(/(?<= )--?[a-z][a-z-]*/g)) assert.match(known, new RegExp(`[ ,]${flag}\\b`));
      }
    });

    it(`${runbook} sets only what can be set, to what can be set, and links only what is there`, () => {
      const given = [...read(runbook).matchAll(/pulumi config set (\w+) ([^\s`]+)/g)];
      for (const [, key, value] of given) {
        // The operator fills these in.
        if (/^(UID|release=<Helm)$/.test(value)) continue;
        assert.doesNotThrow(() => resolveSettings({ namespace: "authentik", outposts: ["one"], [key]: value }));
      }
      for (const [, link] of read(runbook).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g))
        assert.ok(existsSync(join(folder, link)), link);
    });
  }
});
