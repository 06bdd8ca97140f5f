import assert from "node:assert/strict";
import { SettingsError } from "../../../../settings/problems";
import { resolveSettings } from "../../../../settings/resolve";
import type { Settings } from "../../../../settings/settings";

type Config = Record<string, unknown>;

const resolve = (changes: Config): Settings =>
  resolveSettings({ namespace: "authentik", outposts: ["one"], monitoring: true, ...changes });

function problemsOf(changes: Config): string[] {
  try {
    resolve(changes);
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    return error.problems;
  }
  return [];
}

const LABELS = "write key=value, and commas between several, e.g. release=kube-prometheus-stack";
const RUNBOOKS =
  "write the address that shows docs/runbooks, e.g. https://git.example.com/ops/authentik-outpost-shm/blob/main/docs/runbooks";

describe("settings of the monitoring", () => {
  it("have a default for everything", () => {
    const { podMonitor, alerts, dashboard, monitoringLabels, runbookUrl, ...settings } = resolve({});
    assert.deepEqual([podMonitor, alerts, dashboard, monitoringLabels], [true, true, true, {}]);
    assert.deepEqual([settings.usageWarning, settings.usageCritical, settings.sessionFilesWarning], [80, 95, 50_000]);
    assert.equal(runbookUrl, "docs/runbooks");
  });

  it("ask nothing of each other unless it is switched on", () => {
    assert.equal(resolve({ monitoring: "false", usageWarning: 50 }).monitoring, false);
  });

  it("take labels as an object too", () => {
    assert.deepEqual(resolve({ monitoringLabels: { release: "x" } }).monitoringLabels, { release: "x" });
  });

  it("take labels without a value, and spaces after commas", () => {
    assert.deepEqual(resolve({ monitoringLabels: "prometheus=, team=auth" }).monitoringLabels, {
      prometheus: "",
      team: "auth",
    });
  });

  const bad: Record<string, [config: Config, ...problems: string[]]> = {
    "a label without value": [
      { monitoringLabels: "kube-prometheus-stack" },
      `monitoringLabels: "kube-prometheus-stack" has "kube-prometheus-stack", which is no key=value; ${LABELS}`,
    ],
    "a trailing comma": [
      { monitoringLabels: "a=b," },
      `monitoringLabels: "a=b," has "", which is no key=value; ${LABELS}`,
    ],
    "a label with two =": [
      { monitoringLabels: "a=b=c" },
      `monitoringLabels: "a=b=c" has "a=b=c", which is no key=value; ${LABELS}`,
    ],
    "a key twice": [{ monitoringLabels: "a=b,a=c" }, `monitoringLabels: "a=b,a=c" has the key "a" twice`],
    "a percent of 100": [
      { usageCritical: 100 },
      "usageCritical: 100 is no whole number from 1 to 99 (percent, without a sign)",
    ],
    "too few files": [{ sessionFilesWarning: 10 }, "sessionFilesWarning: 10 is no whole number from 1000 to 4194304"],
    "a warning above the critical": [{ usageWarning: 96 }, "usageWarning: 96 is above usageCritical (95)"],
    "a critical below the warning's default": [
      { usageCritical: 70, highWatermark: 65, lowWatermark: 50 },
      "usageWarning: 80 is above usageCritical (70)",
    ],
    "a warning below what the sweep allows": [
      { usageWarning: "85", outposts: ["one", { name: "two", highWatermark: 90 }] },
      'usageWarning: "85" is below highWatermark (90): so full the sweep lets /dev/shm get before it acts; set it to 90 or more, or alerts to false',
    ],
    "runbooks at no URL": [
      { runbookUrl: "wiki/runbooks" },
      `runbookUrl: "wiki/runbooks" is no http(s) URL; ${RUNBOOKS}`,
    ],
    "runbooks behind a password": [
      { runbookUrl: "https://jo:secret@git.example.com/x" },
      `runbookUrl: "https://[hidden]@git.example.com/x" holds credentials, which every alert would show; ${RUNBOOKS}`,
    ],
    "runbooks behind a query": [
      { runbookUrl: "https://git.example.com/x?ref=main" },
      `runbookUrl: "https://git.example.com/x?ref=main" has a query or fragment, and a runbook's name goes behind it; ${RUNBOOKS}`,
    ],
  };
  for (const [what, [config, ...problems]] of Object.entries(bad)) {
    it(`refuse ${what}`, () => assert.deepEqual(problemsOf(config), problems));
  }

  it("ask nothing of an alert that isn't there", () => {
    const high = { highWatermark: 90 };
    assert.deepEqual(problemsOf({ ...high, alerts: false }), []);
    assert.deepEqual(problemsOf({ ...high, monitoring: false }), []);
    assert.deepEqual(problemsOf({ ...high, solution: "cronjob" }), []);
    assert.deepEqual(problemsOf({ ...high, usageWarning: 90 }), []);
  });
});
