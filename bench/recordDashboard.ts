// Records the answers to the dashboard's own queries while a crawler comes and goes: `npx tsx bench/recordDashboard.ts`, ten
// minutes. It writes .sandbox/dashboard.json, which bench/drawDashboard.ts draws. The sidecars and Prometheus are real. The
// pods' names are made up, ages and intervals are short, and kube-state-metrics is a stand-in.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { dashboard } from "../components/monitoring/dashboard";
import { shells } from "../sandbox/cleaner/shells";
import type { Series } from "../sandbox/monitoring/prometheus";
import { WatchedPods } from "../sandbox/monitoring/watchedPods";
import { stateRoot } from "../sandbox/paths";
import { goName, goSession } from "../sandbox/sessionFormats";
import { save, unixTime } from "./place";

/** Times of the recording, in seconds. */
const day = {
  length: 600,
  crawlerFrom: 180,
  crawlerUntil: 390,
  sweepInterval: 5,
  anonymousMaxAge: 120,
  scrape: 2,
};
/** Visits and logins a second at each outpost, and the visits a second that the crawler adds to one of them. */
const intranet = { pod: "ak-outpost-intranet-7d4b9c6f5-m8k2p", visits: 2, logins: 0.5, crawler: 0 };
const open = { pod: "ak-outpost-public-5f6d8c7b9-q4w7z", visits: 15, logins: 0.2, crawler: 250 };
const loginsBefore = 400;

const visit = goSession({ holds: ["redirect"] });
const login = goSession({ holds: ["claims"] });
let files = 0;

/** The dashboard with the default thresholds. */
export const shown = dashboard("authentik", { usageWarning: 80, usageCritical: 95, sessionFilesWarning: 50_000 });

/** The answers to the queries of each panel. */
export interface Recording {
  start: number;
  end: number;
  panels: { id: number; targets: Series[][] }[];
}

async function visitors(dir: string, outpost: typeof intranet, from: number): Promise<void> {
  const written = { visits: 0, logins: 0 };
  let due = { visits: 0, logins: 0 };
  for (let last = from; last - from < day.length; await delay(100)) {
    const now = unixTime();
    const crawling = now - from > day.crawlerFrom && now - from < day.crawlerUntil;
    const rate = outpost.visits + (crawling ? outpost.crawler : 0);
    due = { visits: due.visits + rate * (now - last), logins: due.logins + outpost.logins * (now - last) };
    for (; written.visits < due.visits; written.visits++) save(join(dir, goName(++files)), visit, undefined);
    for (; written.logins < due.logins; written.logins++) save(join(dir, goName(++files)), login, undefined);
    last = now;
  }
}

async function record(): Promise<Recording> {
  const shell = shells.find(({ name }) => name.startsWith("busybox"));
  if (!shell) throw new Error("no busybox here: its httpd serves the metrics");
  const pods = { [intranet.pod]: "64m", [open.pod]: "64m" };
  const env = { SWEEP_INTERVAL_SECONDS: `${day.sweepInterval}`, ANONYMOUS_MAX_AGE_SECONDS: `${day.anonymousMaxAge}` };
  const watched = await WatchedPods.start({ pods, shell, rules: [], intervalSeconds: day.scrape, env });
  try {
    const from = unixTime();
    for (const { pod } of [intranet, open])
      for (let n = 0; n < loginsBefore; n++)
        save(join(watched.shm[pod], goName(++files)), login, from - (86_000 * n) / loginsBefore);
    await Promise.all([intranet, open].map((outpost) => visitors(watched.shm[outpost.pod], outpost, from)));
    return await answers(watched, { start: from + 4 * day.scrape, end: unixTime() });
  } finally {
    await watched.stop();
  }
}

async function answers(
  { prometheus }: WatchedPods,
  { start, end }: { start: number; end: number },
): Promise<Recording> {
  const recorded: Recording["panels"] = [];
  for (const panel of shown.panels) {
    if (!("targets" in panel)) continue;
    const targets: Series[][] = [];
    for (const { expr, range } of panel.targets) {
      const query = expr
        .replaceAll("$namespace", "authentik")
        .replaceAll("$pod", ".*")
        .replaceAll("$__rate_interval", `${5 * day.scrape}s`);
      targets.push(
        range
          ? await prometheus.queryRange(query, { start, end, step: 2 * day.scrape })
          : await prometheus.query(query),
      );
    }
    recorded.push({ id: panel.id, targets });
  }
  return { start, end, panels: recorded };
}

if (require.main === module) {
  void record().then((recording) => {
    mkdirSync(stateRoot(), { recursive: true });
    writeFileSync(join(stateRoot(), "dashboard.json"), JSON.stringify(recording));
  });
}
