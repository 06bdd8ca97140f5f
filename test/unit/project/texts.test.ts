// Advice that no text of the product may give, and the links and commands in it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { run } from "../../../cli/program";
import { dashboard } from "../../../components/monitoring/dashboard";
import { repositoryRoot } from "../../../sandbox/paths";
import { resolveSettings } from "../../../settings/resolve";
import { useTempDir } from "../tempDir";

const read = (file: string): string => readFileSync(join(repositoryRoot, file), "utf8");

/** Runs a command line of the CLI, without a cluster. */
async function outpostShm(args: string[]): Promise<{ code: number; said: string }> {
  let said = "";
  const say = (text: string) => (said += text);
  const io = { out: say, err: say } as unknown as Parameters<typeof run>[1];
  const code = await run(args, io, {} as unknown as Parameters<typeof run>[2]);
  return { code, said };
}

/** Returns the help of a command; undefined if there is none of that name. */
async function help(command: string): Promise<string | undefined> {
  const { code, said } = await outpostShm([command, "--help"]);
  return code === 0 && said.includes(`outpost-shm ${command} `) ? said : undefined;
}

/** Splits a line as a shell does, of quotes and spaces. */
const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, ...parts]) => parts.find((part) => part !== undefined)!);

describe("the product's texts", () => {
  const list = ["ls-files", "-z", "--", "*.ts", "*.md", "*.sh", ":!test", ":!sandbox", ":!bench", ":!toolchain"];
  const files = execFileSync("git", list, { cwd: repositoryRoot, encoding: "utf8" }).split("\0").filter(Boolean);
  const giving = (advice: RegExp) => files.filter((file) => advice.test(read(file)));
  const pages = files.filter((file) => file.endsWith(".md"));
  const inDir = useTempDir();

  it("advise no bare deletion of a Deployment: `outpost-shm recreate` asks authentik first", () => {
    assert.ok(files.length > 100, `only ${files.length} files`);
    assert.deepEqual(giving(/delete (deploy|deployments?)(\.apps)?[ /]/), []);
  });

  it("move nobody off the embedded outpost, whose sessions are not in /dev/shm", () => {
    assert.deepEqual(giving(/(separate|standalone) outpost/i), []);
  });

  /** Returns the anchors of a page's headings, as GitHub makes them. */
  const anchors = (page: string): string[] =>
    [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\- _]/gu, "")
        .replaceAll(" ", "-"),
    );

  it("link to files and headings that are there", () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
        .filter(([, path, anchor]) => {
          const target = path === "" ? join(repositoryRoot, page) : join(repositoryRoot, dirname(page), path);
          if (!existsSync(target)) return true;
          return (
            anchor !== undefined && target.endsWith(".md") && !anchors(readFileSync(target, "utf8")).includes(anchor)
          );
        })
        .map(([link]) => `${page}: ${link}`),
    );
    assert.deepEqual(broken, []);
    assert.ok(pages.length > 20, `only ${pages.length} pages`);
  });

  /** Returns what matches in any of the pages. */
  const found = (pattern: RegExp, among = pages) => among.flatMap((page) => [...read(page).matchAll(pattern)]);

  it("run only commands that there are, with flags that they take", async () => {
    for (const [, command, args] of found(/(?:`|install )outpost-shm (\w+)([^`\n]*)/g)) {
      const known = await help(command);
      assert.ok(known, `outpost-shm ${command}`);
      for (const [flag] of args.matchAll(/(?<= )--?[a-z][a-z-]*/g)) assert.match(known, new RegExp(`[ ,]${flag}\\b`));
    }
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    for (const [, script] of found(/npm run ([\w:]+)/g)) assert.ok(scripts[script], `npm run ${script}`);
  });

  it("render what they say that they do", async () => {
    const typed = found(/^\$ npx --no-install outpost-shm render (.*)$/gm).map(([, args]) => args);
    const named = found(/`(--set \w+=[^`]*)`/g)
      .filter(([, flags]) => !flags.includes("KEY"))
      .map(([, flags]) => `-n authentik ${flags.includes("outposts=") ? "" : '"My Outpost" '}${flags}`);
    assert.ok(typed.length >= 5 && named.length >= 3, `${typed.length} ${named.length}`);
    for (const line of [...typed, ...named]) {
      const args = words(line.replace(/ -o shm$/, ` -o ${inDir("shm")}`));
      const { code, said } = await outpostShm(["render", ...args]);
      assert.equal(code, 0, `${line}\n${said}`);
    }
  });

  it("show settings in YAML that are none but those", () => {
    const config = /```yaml\n(authentik-outpost-shm:[^`]*)```/g;
    const shown = found(config).map(([, block]) => parse(block.replaceAll("authentik-outpost-shm:", "")) as object);
    assert.ok(shown.length >= 2, `${shown.length}`);
    for (const settings of shown) {
      const given = { namespace: "authentik", ...settings };
      assert.doesNotThrow(() => resolveSettings(given, undefined, { authentikAccess: false }));
    }
  });

  it("name every metric", () => {
    const metrics = [...read("cleaner/sweep.sh").matchAll(/^ +metric (\w+) /gm)].map(([, name]) => name);
    assert.ok(metrics.length > 5);
    const page = read("docs/monitoring.md");
    assert.deepEqual(
      metrics.filter((name) => !page.includes(`\`${name}\``)),
      [],
    );
  });

  it("show every panel of the dashboard", () => {
    const { panels } = dashboard("authentik", { usageWarning: 80, usageCritical: 95, sessionFilesWarning: 50_000 });
    const picture = read("docs/dashboard.svg");
    assert.deepEqual(
      panels.filter(({ title }) => !picture.includes(`>${title}<`)),
      [],
    );
  });

  it("set only what can be set, to what can be set", () => {
    // The examples have keys of their own.
    const own = pages.filter((page) => !page.startsWith("examples/"));
    for (const [, key, value] of found(/pulumi config set (\w+) ([^\s`]+)/g, own)) {
      if (key === "KEY" || /^(UID|release=<Helm)$/.test(value)) continue; // the operator fills these in
      const given = { namespace: "authentik", outposts: ["one"], [key]: value };
      assert.doesNotThrow(() => resolveSettings(given, undefined, { authentikAccess: false }), `${key} ${value}`);
    }
  });
});
