// A new setting is one row of the table, and the code that uses it. A copy of the folders of the settings shows that.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../../sandbox/paths";
import { createStateFolder } from "../../../sandbox/stateFolder";

const row = `
  graceWatermark: percent(30, {
    text: "Percent in use below which an [example](#example) of [cli.md](cli.md) does nothing, 1 to 99.",
    shell: { name: "GRACE_WATERMARK_PERCENT", value: Number },
  }),`;

const probe = `
import { resolveSettings } from "./settings/resolve";
import { sweepVariables } from "./settings/sweepVariables";
const given = { namespace: "authentik", outposts: ["one", { name: "two", graceWatermark: "20" }] };
console.log(JSON.stringify(resolveSettings(given).outposts.map((outpost) => sweepVariables(outpost)[0])));
try { resolveSettings({ ...given, graceWatermark: 100 }); } catch ({ problems }) { console.log(JSON.stringify(problems)); }
`;

describe("a new setting", () => {
  it("is one row: Pulumi.yaml, the docs, the component's arguments, its default, override and refusal follow", () => {
    const copy = createStateFolder("new-setting");
    for (const folder of [
      "settings",
      "authentik",
      "cleaner",
      "kubernetes",
      "docs/authentik-versions.md",
      "docs/settings.md",
      "Pulumi.yaml",
      "package.json",
    ])
      cpSync(join(repositoryRoot, folder), join(copy, folder), { recursive: true });
    mkdirSync(join(copy, "components"));
    const table = join(copy, "settings", "table.ts");
    const anchor = "export const outpostRows = {";
    writeFileSync(table, readFileSync(table, "utf8").replace(anchor, `${anchor}${row}`));
    const run = (file: string) =>
      execFileSync(process.execPath, ["--import", "tsx", file], { cwd: copy, encoding: "utf8" });
    run("settings/generate.ts");
    const text = (file: string) => readFileSync(join(copy, file), "utf8");
    assert.match(
      text("Pulumi.yaml"),
      /\n {2}graceWatermark:\n {4}type: integer\n {4}default: 30\n {4}description: Percent in /,
    );
    assert.match(text("docs/settings.md"), /\n\| `graceWatermark` +\| `30` +\| yes +\| no +\| Percent in use below /);
    assert.ok(
      text("components/args.ts").includes(
        "  /** Percent in use below which an example of docs/cli.md does nothing, 1 to 99. Default: `30`. */\n" +
          "  graceWatermark?: pulumi.Input<number>;\n",
      ),
    );
    writeFileSync(join(copy, "probe.ts"), probe);
    const [variables, problems] = run("probe.ts")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as string[]);
    assert.deepEqual(problems, ["graceWatermark: 100 is no whole number from 1 to 99 (percent, without a sign)"]);
    assert.deepEqual(variables, ["GRACE_WATERMARK_PERCENT=30", "GRACE_WATERMARK_PERCENT=20"]);
  });
});
