// `npm run bench`: measures, then writes bench/results.json, docs/benchmarks.md and docs/usage-over-a-day.svg. It takes a
// quarter of an hour and requires an otherwise idle machine. `npm run bench -- --quick` is a rehearsal: its trials are
// shorter, and its results are only printed.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { addressTrials } from "./addresses";
import { admissionCost } from "./admissionCost";
import type { ClusterResults } from "./clusterSections";
import { simulateDay } from "./day";
import { drawFile } from "./draw";
import { containerLimits } from "./groups";
import { findHeld, sidecarHeld } from "./held";
import { idleHour, peakMemory } from "./idle";
import { openGroup } from "./limits";
import { machine } from "./machine";
import { markdown, type Results } from "./markdown";
import { Place } from "./place";
import { authentikSweep, hourlyFind } from "./policies";
import { previewCost } from "./previewCost";
import { findRecovery, sidecarRecovery } from "./recover";
import { statusCost } from "./statusCost";
import { sweepCosts } from "./sweepCost";

const root = join(__dirname, "..");
const { quick } = flags();
const seconds = quick ? 20 : 30;

/** Rejects a wrong flag at once, not after a quarter of an hour. */
function flags(): { quick: boolean } {
  try {
    const { quick = false } = parseArgs({ options: { quick: { type: "boolean" } } }).values;
    return { quick };
  } catch (error) {
    console.error(`error: ${(error as Error).message}\nusage: npm run bench [-- --quick]`);
    process.exit(2);
  }
}

/** Prints what is measured, and how long that took. */
async function step<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  const started = Date.now();
  process.stderr.write(`${what} …`);
  const result = await work();
  process.stderr.write(` ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
  return result;
}

/** Tells whether control groups work, which requires root. Without them nothing is measured under the container's limits. */
function groupsWork(): boolean {
  const group = openGroup();
  group?.close();
  return group !== undefined;
}

async function repeat<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let n = 0; n < times; n++) results.push(await work());
  return results;
}

async function measure(
  place: Place,
  limited: boolean,
): Promise<Omit<Results, "machine" | "sweep" | "day" | "addresses" | keyof ClusterResults>> {
  const times = quick ? 1 : 5;
  const rates = quick ? [1000] : [1000, 2000, 4000, 8000];
  const limitedRates = quick ? [1000] : [700, 1000, 1500, 2000];
  return {
    limited,
    trialSeconds: seconds,
    held: {
      hourly: await step("visits held: hourly find", () => findHeld(place, hourlyFind)),
      authentik: await step("visits held: every 5 minutes", () => findHeld(place, authentikSweep)),
      ours: await step("visits held: ours", () => sidecarHeld(place, rates, seconds)),
      oursLimited: limited
        ? await step("visits held: ours, limited", () => sidecarHeld(place, limitedRates, seconds, containerLimits))
        : [],
    },
    recovery: {
      hourly: await step("full to writable: hourly find", () => findRecovery(place, hourlyFind)),
      authentik: await step("full to writable: every 5 minutes", () => findRecovery(place, authentikSweep)),
      ours: await step("full to writable: ours", () => repeat(times, () => sidecarRecovery(place))),
      oursLimited: limited
        ? await step("full to writable: ours, limited", () =>
            repeat(times, () => sidecarRecovery(place, containerLimits)),
          )
        : [],
    },
    idle: [
      await step("an idle hour: 1,000 files", () => idleHour(place, 1000, seconds)),
      await step("an idle hour: 50,000 files", () => idleHour(place, 50_000, seconds)),
    ],
    memory: [
      await step("peak memory: idle", () => peakMemory(place, 50_000, "idle")),
      await step("peak memory: under pressure", () => peakMemory(place, 64_000, "under pressure")),
    ],
  };
}

async function main(): Promise<void> {
  const place = await Place.open(256);
  const results = await measure(place, groupsWork());
  await place.close();
  // 65,536 files and their directory do not quite fit into 256 MiB.
  const larger = await Place.open(300);
  const sweep = await step("CPU of one sweep", () => sweepCosts(larger, quick ? 1 : 3));
  await larger.close();
  const day = await step("a simulated day", simulateDay);
  const addresses = results.limited ? await step("long addresses", () => addressTrials(quick ? 20 : 120)) : [];
  const preview = await step("a preview of 50 outposts", () => previewCost(50));
  const pods = quick ? 100 : 1000;
  const status = await step(`the status of ${pods} pods`, () => statusCost(pods));
  const admission = await step("the creation of a pod", () => admissionCost(quick ? 100 : 500));
  const all: Results = { machine: machine(), ...results, sweep, day, addresses, preview, status, admission };
  if (quick) {
    console.log(markdown(all));
    return;
  }
  writeFileSync(join(root, "bench", "results.json"), `${JSON.stringify(all, undefined, 2)}\n`);
  writeFileSync(join(root, "docs", "benchmarks.md"), markdown(all));
  drawFile();
  console.log("wrote bench/results.json, docs/benchmarks.md and docs/usage-over-a-day.svg");
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1); // the process that holds the tmpfs waits for this one to end
});
