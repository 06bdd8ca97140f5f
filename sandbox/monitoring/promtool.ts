import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { AlertRule } from "../../components/monitoring/alertRule";
import { silentProgress } from "../progress";
import { ensureTools } from "../toolchain";

/** An alert that is expected at a time: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/ */
export interface ExpectedAlerts {
  eval_time: string;
  alertname: string;
  exp_alerts: { exp_labels: Record<string, string>; exp_annotations: Record<string, string> }[];
}

export interface RuleTest {
  /** Series by name and labels, with a value for each interval in promtool's notation. */
  series: Record<string, string>;
  alerts: ExpectedAlerts[];
}

/** The interval of samples and evaluations in rule tests. */
export const interval = "15s";

/** Formats the rules as a rule file of Prometheus. */
export const ruleFile = (rules: AlertRule[]): string =>
  stringify({ groups: [{ name: "authentik-outpost-shm", rules }] }, { lineWidth: 0 });

/** Returns the complaints of `promtool check rules`; empty if it has none. */
export function checkRules(rules: AlertRule[]): Promise<string> {
  return promtool({ "rules.yml": ruleFile(rules) }, ["check", "rules", "--lint=all", "--lint-fatal", "rules.yml"]);
}

/** Runs the rules over the series, and returns the deviations from the expected alerts; empty if there are none. */
export function testRules(rules: AlertRule[], { series, alerts }: RuleTest): Promise<string> {
  const test = {
    rule_files: ["rules.yml"],
    evaluation_interval: interval,
    tests: [
      {
        interval,
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        alert_rule_test: alerts,
      },
    ],
  };
  const files = { "rules.yml": ruleFile(rules), "test.yml": stringify(test, { lineWidth: 0 }) };
  return promtool(files, ["test", "rules", "test.yml"]);
}

async function promtool(files: Record<string, string>, args: string[]): Promise<string> {
  const tools = await ensureTools(["promtool"], silentProgress);
  const dir = mkdtempSync(join(tmpdir(), "promtool-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
    const { status, stdout, stderr } = spawnSync(tools.promtool, args, { cwd: dir, encoding: "utf8" });
    return status === 0 ? "" : `exit status ${status}\n${stdout}${stderr}`;
  } finally {
    rmSync(dir, { recursive: true });
  }
}
