// The content of the rules. test/e2e/monitoring proves with promtool that they fire when they should.
import assert from "node:assert/strict";
import { alertRules } from "../../../../components/monitoring/alerts";
import { range } from "../../../../components/monitoring/promql";
import { podNamePattern } from "../../../../kubernetes/podNames";
import { resolveSettings } from "../../../../settings/resolve";

const cronJob = "authentik-outpost-shm-cleanup";
const runbookUrl = "https://git.example.com/runbooks";

/** Returns the rules of a stack whose outposts all have a sidecar. */
function rulesOf(outposts: unknown[], watched: { cronJob?: string; suspend?: boolean; none?: boolean } = {}) {
  const { suspend = false } = watched;
  const settings = resolveSettings({ namespace: "auth", outposts, suspend, monitoring: true, runbookUrl });
  const sidecars = watched.none ? [] : settings.outposts;
  return alertRules({ namespace: "auth", sidecars, cronJob: watched.cronJob, settings });
}

const exprOf = (rules: ReturnType<typeof rulesOf>, name: string): string | undefined =>
  rules.find(({ alert }) => alert === `AuthentikOutpostShm${name}`)?.expr;

describe("alert rules", () => {
  it("are about what is deployed", () => {
    const names = (...watched: Parameters<typeof rulesOf>) => rulesOf(...watched).map(({ alert }) => alert.slice(19));
    const evicted = ["UsageHigh", "UsageHigh", "SessionFilesHigh", "SweepErrors", "LoginsEvicted"];
    const sidecar = [...evicted, "SweepStalled", "FillingUp", "TargetMissing"];
    const ofCronJob = ["CronJobFailed", "CronJobNotRun"];
    assert.deepEqual(names(["one", "two"]), [...sidecar, "TargetMissing"]);
    assert.deepEqual(names(["one"], { cronJob }), [...sidecar, ...ofCronJob]);
    assert.deepEqual(names(["one"], { cronJob, none: true }), ofCronJob);
    assert.deepEqual(names(["one"], { none: true }), []);
    assert.deepEqual(names(["one"], { cronJob, suspend: true, none: true }), []);
  });

  it("say how bad it is, what it is, and where its runbook is, and name the namespace", () => {
    for (const { alert, labels, annotations, expr, for: patience } of rulesOf(["one"], { cronJob })) {
      assert.match(labels.severity, /^(warning|critical)$/, alert);
      assert.match(annotations.summary, /^[A-Z/].*\.$/, alert);
      assert.match(annotations.description, /^.*\.$/, alert);
      assert.doesNotMatch(annotations.description, /Runbook/);
      assert.equal(annotations.runbook_url, `https://git.example.com/runbooks/${alert}.md`);
      assert.match(patience, /^\d+m$/, alert);
      for (const [selector] of expr.matchAll(/\{[^}]*\}/g)) assert.match(selector, /^\{namespace="auth"/, alert);
    }
  });

  it("name the pods where sweep intervals differ", () => {
    const rules = rulesOf(["one", { name: "two", sweepInterval: "2h" }, "three"]);
    const minutes =
      'namespace="auth",pod=~"ak-outpost-one-[a-z0-9]+-[a-z0-9]{5}|ak-outpost-three-[a-z0-9]+-[a-z0-9]{5}"';
    const hours = 'namespace="auth",pod=~"ak-outpost-two-[a-z0-9]+-[a-z0-9]{5}"';
    const filling = (selector: string, past: string) =>
      `predict_linear(authentik_outpost_shm_used_bytes{${selector}}[${past}], 3600) >= authentik_outpost_shm_size_bytes{${selector}} ` +
      `and 100 * authentik_outpost_shm_used_bytes{${selector}} / authentik_outpost_shm_size_bytes{${selector}} > 50`;
    assert.equal(exprOf(rules, "FillingUp"), `${filling(minutes, "30m")} or ${filling(hours, "8h")}`);
  });

  it("look back at errors for as long as two sweeps may take", () => {
    const errors = (past: string) =>
      `increase(authentik_outpost_shm_sweep_errors_total{namespace="auth"}[${past}]) > 0`;
    assert.equal(exprOf(rulesOf(["one"]), "SweepErrors"), errors("1h"));
    assert.equal(exprOf(rulesOf(["one", { name: "two", sweepInterval: "2h" }]), "SweepErrors"), errors("4h"));
    // 80 % of 262,144 pages, at 33 a second, take 106 minutes.
    assert.equal(exprOf(rulesOf([{ name: "one", shmSize: "1Gi" }]), "SweepErrors"), errors("212m"));
  });
});

describe("PromQL", () => {
  it("has ranges in whole units", () => {
    assert.deepEqual([90, 1800, 3600, 86_400, 5_400].map(range), ["90s", "30m", "1h", "24h", "90m"]);
  });

  it("tells a Deployment's pods from others'", () => {
    const matches = (deployment: string, pod: string): boolean =>
      new RegExp(`^(?:${podNamePattern(deployment)})$`).test(pod);
    assert.ok(matches("ak-outpost-one", "ak-outpost-one-6c5d7f9b8-x2x4z"));
    for (const pod of ["ak-outpost-one-b-6c5d7f9b8-x2x4z", "ak-outpost-one", "x-ak-outpost-one-6c5d7f9b8-x2x4z"])
      assert.ok(!matches("ak-outpost-one", pod), pod);
    // The API server makes such a name from one of 63 characters: 58 of them, and five of its own.
    const long = `ak-outpost-${"a".repeat(52)}`;
    assert.ok(matches(long, `${`${long}-6c5d7f9b8-`.slice(0, 58)}x2x4z`));
    const longest = `ak-outpost-${"a".repeat(35)}`;
    assert.ok(matches(longest, `${longest}-6c5d7f9b88-x2x4z`));
    assert.equal(`${longest}-6c5d7f9b88-x2x4z`.length, 63);
    // In between, a part of the ReplicaSet's characters goes.
    for (const length of [47, 50, 57]) {
      const name = "a".repeat(length);
      for (const hash of ["6c5d7f9b88", "6c5d7f9b"])
        assert.ok(matches(name, `${`${name}-${hash}-`.slice(0, 58)}x2x4z`), `${length} ${hash}`);
    }
    for (const deployment of [long, "b".repeat(47)])
      assert.ok(!matches(deployment, `${deployment.slice(0, 58)}-staging-6c5d7f9b8-x2x4z`), deployment);
  });
});
