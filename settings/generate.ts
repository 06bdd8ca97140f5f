// `npm run generate` writes the files that follow from table.ts: the config block of Pulumi.yaml, the table of
// docs/settings.md, and the types of the component's arguments. It also writes the table of docs/authentik-versions.md, from
// authentik/releases.ts. A test checks that they are current.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { stringify } from "yaml";
import { versionsTable } from "../authentik/releases";
import type { Row } from "./row";
import { outpostKeys, outpostRows, specialRows, stackKeys, stackRows, structuralKeys } from "./table";

type AnyRow = Pick<Row<unknown>, "default" | "text" | "restartsPods" | "type" | "toldApart">;
const rows: Record<string, AnyRow> = { ...outpostRows, ...stackRows, ...specialRows };
const ofOutpost = (key: string): boolean => key in outpostRows;

/** Turns Markdown into plain text, for places that show no Markdown. */
const plain = (text: string): string =>
  text
    .replace(/ ?\(\[below\]\([^)]*\)\)/g, "")
    .replace(/\[([^\]]*)\]\(#[^)]*\)/g, "$1")
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "docs/$1");

/**
 * Generates the part that the engine checks: a key's presence and type. It has no type for a list that mixes names and objects.
 */
function configBlock(): string {
  const entries = stackKeys.map((key): [string, object] => {
    const { default: standard, text, toldApart } = rows[key];
    const description = plain(text);
    if (key === "outposts") {
      const overrides = `An object's keys are ${outpostKeys.join(", ")}, which hold for this one.`;
      return [key, { description: `${description} ${overrides}` }];
    }
    const declared = toldApart
      ? { default: "", description: `${description} Default: ${standard}.` }
      : { ...(standard !== undefined && { default: standard }), description };
    return [key, { type: typeOf(rows[key]).replace("number", "integer"), ...declared }];
  });
  return stringify(Object.fromEntries(entries), { lineWidth: 120 }).replace(/^(?=.)/gm, "  ");
}

const typeOf = (row: AnyRow): string =>
  ({ number: "number", boolean: "boolean" })[typeof row.default as string] ?? "string";

function settingsTable(): string {
  const lines = stackKeys.map((key) => {
    const { default: standard, text, restartsPods = "no" } = rows[key];
    const shown = standard === undefined ? "required" : standard === "" ? "none" : `\`${standard}\``;
    const perOutpost = key === "outposts" ? "" : ofOutpost(key) ? "yes" : "no";
    return `| \`${key}\` | ${shown} | ${perOutpost} | ${restartsPods} | ${text} |`;
  });
  const head = ["| key | default | per outpost | restarts pods | meaning |", "| --- | --- | --- | --- | --- |"];
  return [...head, ...lines].join("\n") + "\n";
}

function argumentTypes(): string {
  const member = ([key, row]: [string, AnyRow]) => {
    const type = row.type ?? typeOf(row);
    const standard = row.default === undefined || row.default === "" ? "" : ` Default: \`${row.default}\`.`;
    const doc = plain(row.text).replaceAll("*/", "*\\/");
    const input = (structuralKeys as readonly string[]).includes(key) ? type : `pulumi.Input<${type}>`;
    return `  /** ${doc}${standard} */\n  ${key}${row.default === undefined ? "" : "?"}: ${input};`;
  };
  const own = Object.entries(stackRows as Record<string, AnyRow>).filter(([key]) => !ofTheProgram.includes(key));
  return [
    "// Written by `npm run generate` from settings/table.ts.",
    'import type * as pulumi from "@pulumi/pulumi";\n',
    "/** Settings that an outpost may have of its own. Those of the stack hold for all others. */\nexport interface SharedArgs {",
    ...Object.entries(outpostRows as Record<string, AnyRow>).map(member),
    "}\n",
    "/** One outpost. */\nexport interface OutpostArgs extends SharedArgs {",
    "  /** The name as authentik shows it. */\n  name: string;",
    "  /** The outpost's Deployment. Default: the name that authentik gives it, `ak-outpost-` and the name's slug. */\n  deployment?: string;",
    "}\n",
    "/** Settings of the whole namespace. */",
    "export interface StackArgs extends SharedArgs {",
    ...own.map(member),
    "}",
  ].join("\n");
}

/** Settings of the program around the component. */
const ofTheProgram = ["preflight", "verify", "verifyTimeout"];

const root = join(__dirname, "..");
const writtenFrom = (file: string): string => `written by \`npm run generate\` from ${file}`;
const notice = writtenFrom("settings/table.ts");

/** Replaces the text between the two marks. */
function between(file: string, [open, close]: [string, string], text: string): string {
  const old = readFileSync(join(root, file), "utf8");
  const [start, end] = [old.indexOf(open), old.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`${file} has no "${open}" before a "${close}"`);
  return `${old.slice(0, start)}${open}\n${text}${old.slice(end)}`;
}

const withTable = (file: string, source: string, table: string): string =>
  between(file, [`<!-- ${source} -->`, "<!-- end -->"], `\n${table}\n`);

/** Returns the current text of every generated file. */
export async function generated(): Promise<Record<string, string>> {
  const files = {
    "Pulumi.yaml": between(
      "Pulumi.yaml",
      [`  # From here on ${notice}.`, "  # End of what is written."],
      configBlock(),
    ),
    "docs/settings.md": withTable("docs/settings.md", notice, settingsTable()),
    "docs/authentik-versions.md": withTable(
      "docs/authentik-versions.md",
      writtenFrom("authentik/releases.ts"),
      versionsTable(),
    ),
    "components/args.ts": argumentTypes(),
  };
  const formatted = Object.entries(files).map(async ([file, text]) => {
    const filepath = join(root, file);
    return [file, await format(text, { ...(await resolveConfig(filepath)), filepath })] as const;
  });
  return Object.fromEntries(await Promise.all(formatted));
}

async function main(): Promise<void> {
  for (const [file, text] of Object.entries(await generated())) writeFileSync(join(root, file), text);
}

if (require.main === module) void main();
