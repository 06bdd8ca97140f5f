// Each rule of .dependency-cruiser.cjs, on a small tree of files that break it. `npm run lint` proves that the clone breaks none.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { repositoryRoot } from "../../../sandbox/paths";
import { useTempDir } from "../tempDir";

type Import = [from: string, to: string];

describe("the rules of imports", () => {
  const inDir = useTempDir();

  const allowed: Import[] = [
    ["components/a.ts", "settings/b.ts"],
    ["cli/a.ts", "kubernetes/b.ts"],
    ["cli/a.ts", "render/b.ts"],
    ["index.ts", "preflight/b.ts"],
    // A circle is reported at one of its imports.
    ["settings/d.ts", "settings/c.ts"],
  ];
  const refused: [rule: string, ...Import][] = [
    ["no-circle", "settings/c.ts", "settings/d.ts"],
    ["kubernetes-imports-nothing-above", "kubernetes/a.ts", "authentik/b.ts"],
    ["authentik-imports-nothing-above", "authentik/a.ts", "settings/b.ts"],
    ["cleaner-imports-nothing-above", "cleaner/a.ts", "podPatch/b.ts"],
    ["settings-imports-nothing-above", "settings/a.ts", "cli/b.ts"],
    ["podPatch-imports-nothing-above", "podPatch/a.ts", "components/b.ts"],
    ["preflight-imports-nothing-above", "preflight/a.ts", "components/b.ts"],
    ["components-imports-nothing-above", "components/a.ts", "verification/b.ts"],
    ["verification-imports-nothing-above", "verification/a.ts", "cli/b.ts"],
    ["render-imports-nothing-above", "render/a.ts", "cli/b.ts"],
    ["cli-stands-beside-the-component", "cli/a.ts", "components/b.ts"],
    ["product-imports-no-test-bed", "cli/a.ts", "sandbox/b.ts"],
    ["product-imports-no-test-bed", "index.ts", "test/b.ts"],
    ["bench-imports-no-test", "bench/a.ts", "test/b.ts"],
    ["sandbox-imports-no-test", "sandbox/a.ts", "test/b.ts"],
  ];

  it("refuse each of these, and no other", () => {
    const write = (file: string, text: string) => {
      mkdirSync(dirname(inDir(file)), { recursive: true });
      writeFileSync(inDir(file), text, { flag: "a" });
    };
    for (const [from, to] of [...allowed, ...refused.map(([, ...each]) => each)]) {
      write(to, "export type Thing = string;\n");
      const up = "../".repeat(from.split("/").length - 1) || "./";
      write(from, `import type { Thing } from "${up}${to.replace(/\.ts$/, "")}";\nexport type Mine = Thing;\n`);
    }
    write("tsconfig.json", "{}");
    const cruise = join(repositoryRoot, "node_modules", "dependency-cruiser", "bin", "dependency-cruise.mjs");
    const args = ["--config", join(repositoryRoot, ".dependency-cruiser.cjs"), "--output-type", "json", "."];
    const { stdout } = spawnSync(process.execPath, [cruise, ...args], { cwd: inDir(), encoding: "utf8" });
    const { violations } = (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary;
    const found = violations.map(({ rule, from, to }) => [rule.name, from, to]);
    assert.deepEqual(found.sort(), [...refused].sort());
  });
});

interface Violation {
  rule: { name: string };
  from: string;
  to: string;
}
