// `npm test`: every tier that needs no root, then one line of true totals. `npm test -- unit` runs the named tiers only.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tiers, type Tier } from "./tiers";

interface Totals {
  passed: number;
  failed: number;
}

const root = join(__dirname, "..");

function runCommands(tier: Tier): Totals {
  const totals = { passed: 0, failed: 0 };
  for (const { name, command, args } of tier.commands ?? []) {
    const { status } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    console.log(`  ${status === 0 ? "✔" : "✘"} ${name}`);
    if (status === 0) totals.passed += 1;
    else totals.failed += 1;
  }
  return totals;
}

function runMocha(tier: Tier): Totals {
  if (!tier.specs) return { passed: 0, failed: 0 };
  mkdirSync(join(root, ".sandbox"), { recursive: true });
  const results = mkdtempSync(join(root, ".sandbox", "test-"));
  const totals = join(results, "totals.json");
  const args = ["node_modules/mocha/bin/mocha.js", "--reporter", "test/reporter.cjs"];
  const { status } = spawnSync(process.execPath, [...args, "--timeout", String(tier.timeout), ...tier.specs], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, TEST_TOTALS: totals },
  });
  const counted = existsSync(totals)
    ? (JSON.parse(readFileSync(totals, "utf8")) as Totals & { skipped: number })
    : { passed: 0, failed: 0, skipped: 0 };
  rmSync(results, { recursive: true });
  // A skipped test counts as failed, and so does a mocha that ended badly without a failed test (a crash, a bad import).
  const failed = counted.failed + counted.skipped;
  return { passed: counted.passed, failed: status !== 0 && failed === 0 ? 1 : failed };
}

function selectTiers(names: string[]): Tier[] {
  const unknown = names.filter((name) => !tiers.some((tier) => tier.name === name));
  if (unknown.length > 0) {
    console.error(`unknown tier ${unknown.join(", ")}; there are: ${tiers.map(({ name }) => name).join(", ")}`);
    process.exit(2);
  }
  return names.length > 0 ? tiers.filter(({ name }) => names.includes(name)) : tiers;
}

const totals: Totals = { passed: 0, failed: 0 };
for (const tier of selectTiers(process.argv.slice(2))) {
  const started = Date.now();
  console.log(`\n── ${tier.name}: ${tier.what}`);
  for (const result of [runCommands(tier), runMocha(tier)]) {
    totals.passed += result.passed;
    totals.failed += result.failed;
  }
  console.log(`── ${tier.name} took ${((Date.now() - started) / 1000).toFixed(0)} s`);
}
console.log(`\n${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1;
