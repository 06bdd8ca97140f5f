import { spawnSync } from "node:child_process";
import { sweepDefault } from "../cleaner/scriptNumbers";
import { loginCount } from "./heldVisits";
import { Place, unixTime } from "./place";
import { authentikSweep, hourlyFind, runFind, type FindPolicy } from "./policies";
import { sweepCommand, podShell } from "./processes";

/** The simulated day has a sixteenth of all pages, visits and logins. Its results are percentages, so they stay the same. */
const dayScale = 16;
const megabytes = 256 / dayScale;
const day = 86_400;
const step = 10; // seconds between two looks at the usage
const sampleEvery = 300;

/** Visits a second over the day, at full scale: health checks all day, and a crawler from 9:00 to 15:00. */
function visitRate(second: number): number {
  const hour = second / 3600;
  return hour >= 9 && hour < 15 ? 25 : 0.5;
}

export interface DayCurve {
  policy: string;
  /** Percent used, every five minutes. */
  usage: number[];
  visits: number;
  /** Visits that found no space. */
  failed: number;
  /** Logins that the policy removed although they were younger than 24 hours. */
  loginsLost: number;
  /** Sessions younger than 24 hours that it removed while usage was below 80 %. */
  removedInCalm: number;
}

type Keeper = (place: Place, at: number, second: number) => void;

const keepByFind =
  (policy: FindPolicy): Keeper =>
  ({ dir }, at, second) => {
    if (second % policy.intervalSeconds === 0) runFind(policy, dir, at);
  };

const isCalm = ({ pages: { used, total } }: Place): boolean =>
  used * 100 < sweepDefault("HIGH_WATERMARK_PERCENT") * total;

/** Runs our sweep whenever the loop would start it: every five minutes, and at once at the high watermark. */
const keepBySweep: Keeper = (place, at, second) => {
  if (second % sweepDefault("SWEEP_INTERVAL_SECONDS") !== 0 && isCalm(place)) return;
  const [command = "", ...args] = sweepCommand(podShell, [`SHM_DIR=${place.dir}`]);
  const text = args.findIndex((arg) => arg === "-c") + 1;
  // Gives the sweep the simulated time instead of the current one.
  args[text] = `date() { case $1 in +%s) echo ${Math.floor(at)} ;; *) command date "$@" ;; esac; }\n${args[text]}`;
  const { status, stderr } = spawnSync(command, args, { env: { PATH: podShell.path }, encoding: "utf8" });
  if (status !== 0) throw new Error(`sweep: ${stderr}`);
};

function liveADay(place: Place, policy: string, keep: Keeper): DayCurve {
  place.clear();
  const begin = unixTime() - day - 60;
  const logins = Math.round(loginCount / dayScale);
  for (let n = 0; n < logins; n++) place.login(n, begin - 60 * n);
  const curve: DayCurve = { policy, usage: [], visits: 0, failed: 0, loginsLost: 0, removedInCalm: 0 };
  let due = 0;
  for (let second = 0; second <= day; second += step) {
    for (due += (visitRate(second) * step) / dayScale; due >= 1; due--) {
      if (!place.visit(curve.visits++, begin + second)) curve.failed++;
    }
    const [before, calm] = [place.pages.used, isCalm(place)];
    keep(place, begin + second, second);
    const { used, total } = place.pages;
    // Until 20:00 every session is younger than a day, and takes a page.
    if (calm && second < 20 * 3600) curve.removedInCalm += before - used;
    if (second % sampleEvery === 0) curve.usage.push(Math.round((used * 1000) / total) / 10);
    if (second === 20 * 3600) curve.loginsLost = logins - place.loginsLeft(logins);
  }
  return curve;
}

export async function simulateDay(): Promise<DayCurve[]> {
  const place = await Place.open(megabytes);
  try {
    return [
      liveADay(place, hourlyFind.name, keepByFind(hourlyFind)),
      liveADay(place, authentikSweep.name, keepByFind(authentikSweep)),
      liveADay(place, "ours", keepBySweep),
    ];
  } finally {
    await place.close();
  }
}
