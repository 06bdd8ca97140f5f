// The real sidecar's endpoint under a real Prometheus with our rules, on a tmpfs that is really filled; and the dashboard's
// queries on the scraped data. alerts.test.ts proves how long an alert waits: here all of them wait a second.
import assert from "node:assert/strict";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { alertRules } from "../../../components/monitoring/alerts";
import { dashboard } from "../../../components/monitoring/dashboard";
import { coverage, shells } from "../../../sandbox/cleaner/shells";
import type { ActiveAlert } from "../../../sandbox/monitoring/prometheus";
import { WatchedPods } from "../../../sandbox/monitoring/watchedPods";
import { goName, goSession } from "../../../sandbox/sessionFormats";
import { waitUntil } from "../../../sandbox/waitUntil";
import { settingsOf } from "./alertSettings";

const pod = "ak-outpost-one-6c5d7f9b8-x2x4z";
const settings = settingsOf({ solution: "both" });
const rules = alertRules(settings).map((rule) => ({ ...rule, for: "1s" }));
const login = goSession({ holds: ["claims"] });
const visit = goSession({ holds: ["redirect"] });

describe(`a Prometheus that scrapes the sidecar${coverage}`, function () {
  this.timeout(60_000);

  // Only busybox has httpd.
  for (const shell of shells.filter(({ name }) => name.startsWith("busybox"))) {
    describe(`on ${shell.name}`, () => {
      let watched: WatchedPods;
      before(async () => {
        const env = { SWEEP_INTERVAL_SECONDS: "1" };
        watched = await WatchedPods.start({ pods: { [pod]: "2m" }, shell, rules, intervalSeconds: 1, env });
      });
      after(() => watched.stop());

      const firing = async (): Promise<ActiveAlert[]> =>
        (await watched.prometheus.alerts()).filter(({ state }) => state === "firing");
      const names = (alerts: ActiveAlert[]): string[] =>
        alerts.map(({ labels }) => `${labels.alertname?.slice(19)} ${labels.severity}`).sort();
      /** Waits until exactly these alerts fire, and returns them. */
      const untilFiring = (...expected: string[]): Promise<ActiveAlert[]> =>
        waitUntil(
          async () => {
            const found = await firing();
            if (names(found).join() === expected.join()) return found;
            throw new Error(`firing: ${names(found).join(", ") || "none"}`);
          },
          { what: `the alerts ${expected.join(", ") || "to end"}`, timeoutMs: 30_000 },
        );
      const value = async (expr: string): Promise<number | undefined> =>
        (await watched.prometheus.query(expr))[0]?.value;
      const until = (what: string, is: () => Promise<boolean>): Promise<true> =>
        waitUntil(async () => (await is()) || undefined, { what, timeoutMs: 30_000 });

      it("takes what httpd serves, without an error and under the pod's labels", async () => {
        const selector = `{pod="${pod}"}`;
        await until("a scrape", async () => (await value(`up${selector}`)) === 1);
        assert.deepEqual([...new Set(Object.values(await watched.prometheus.scrapeErrors()))], [""]);
        const scraped = await watched.prometheus.query(`{__name__=~"authentik_outpost_shm_.+",pod="${pod}"}`);
        const text = await (await fetch(`http://${watched.addresses[pod]}/metrics.txt`)).text();
        const served = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
        assert.equal(scraped.length, served.length);
        assert.equal(await value(`authentik_outpost_shm_size_bytes${selector}`), 2 * 1024 * 1024);
        const [{ metric }] = await watched.prometheus.query(`authentik_outpost_shm_size_bytes${selector}`);
        assert.deepEqual(
          { ...metric, instance: "" },
          {
            __name__: "authentik_outpost_shm_size_bytes",
            container: "shm-cleanup",
            endpoint: "shm-metrics",
            instance: "",
            job: "authentik/authentik-outpost-shm",
            namespace: "authentik",
            pod,
          },
        );
      });

      it("fires nothing while all is well", async () => {
        await untilFiring();
        writeFileSync(join(watched.shm[pod], goName(1)), visit);
        const files = 'authentik_outpost_shm_session_files{state="anonymous"}';
        await until("the visit to be counted", async () => (await value(files)) === 1);
        assert.deepEqual(names(await watched.prometheus.alerts()), []);
      });

      it("tells of logins that go because nothing else is left to go, once /dev/shm is really full", async () => {
        for (let n = 10; statfsSync(watched.shm[pod]).bfree > 0; n++)
          writeFileSync(join(watched.shm[pod], goName(n)), login);
        const alerts = await untilFiring("FillingUp warning", "LoginsEvicted critical", "UsageHigh warning");
        const { annotations } = alerts.find(({ labels }) => labels.alertname === "AuthentikOutpostShmLoginsEvicted")!;
        assert.match(
          annotations.description,
          new RegExp(
            `^In pod authentik/${pod} \\d+ logins were removed before their time within 15m: /dev/shm was at 95 % or more, with too few visitors' sessions left to remove\\. Runbook: docs/runbooks/AuthentikOutpostShmLoginsEvicted\\.md\\.$`,
          ),
        );
      });

      it("goes from a warning to critical where what fills it is no session", async () => {
        for (let n = 1; n < 600; n++) rmSync(join(watched.shm[pod], goName(n)), { force: true });
        const { blocks, bsize } = statfsSync(watched.shm[pod]);
        writeFileSync(join(watched.shm[pod], "core"), Buffer.alloc((blocks - 4) * bsize));
        const usage = async () => names(await firing()).filter((name) => name.startsWith("UsageHigh"));
        await until("UsageHigh to be critical", async () => (await usage()).includes("UsageHigh critical"));
        rmSync(join(watched.shm[pod], "core"));
        await until("UsageHigh to end", async () => (await usage()).length === 0);
      });

      describe("answers the dashboard", () => {
        const { panels } = dashboard("authentik", settings.settings);
        const exprs = panels.flatMap((panel) =>
          "targets" in panel ? panel.targets.map(({ expr }) => ({ title: panel.title, expr })) : [],
        );
        for (const { title, expr } of exprs) {
          it(`${title}`, async () => {
            const concrete = expr
              .replaceAll("$namespace", "authentik")
              .replaceAll("$pod", ".*")
              .replaceAll("$__rate_interval", "10s");
            assert.doesNotMatch(concrete, /\$/);
            const series = await watched.prometheus.query(concrete);
            assert.notEqual(series.length, 0, concrete);
            for (const { value } of series) assert.ok(Number.isFinite(value), concrete);
          });
        }
      });
    });
  }
});
