// `npm run bench`: measures, then writes bench/results.json, docs/benchmarks.md and docs/usage-over-a-day.svg. It takes a
// quarter of an hour, and requires root, cgroup v1 and an otherwise idle machine.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { asStep, consoleProgress } from "../sandbox/progress";
import { addressTrials } from "./addresses";
import { admissionCost } from "./admissionCost";
import { simulateDay } from "./day";
import { drawFile } from "./drawDay";
import { findHeld, sidecarHeld } from "./heldVisits";
import { idleHour, peakMemory } from "./idle";
import { containerLimits, requireControlGroups } from "./limits";
import { machine } from "./machine";
import { markdown, type Results } from "./markdown";
import { Place } from "./place";
import { authentikSweep, hourlyFind } from "./policies";
import { previewCost } from "./previewCost";
import { findRecovery, sidecarRecovery } from "./recover";
import { statusCost } from "./statusCost";
import { sweepCosts } from "./sweepCost";

const root = join(__dirname, "..");
// Rejects a wrong flag at once, not after a quarter of an hour.
const { quick = false } = new Command("npm run bench --")
  .description("Measures, then writes bench/results.json, docs/benchmarks.md and docs/usage-over-a-day.svg.")
  .option("--quick", "rehearse: shorter trials, whose results are only printed")
  .allowExcessArguments(false)
  .parse()
  .opts<{ quick?: boolean }>();
const seconds = quick ? 20 : 30;

const progress = consoleProgress();

const step = <T>(what: string, work: () => T | Promise<T>): Promise<T> => asStep(progress, what, work);

async function repeat<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let n = 0; n < times; n++) results.push(await work());
  return results;
}

/** Measures what takes a /dev/shm of the size that the sidecar has by default. */
async function measureSidecar(): Promise<Pick<Results, "held" | "recovery" | "idle" | "memory">> {
  const place = await Place.open(256);
  const times = quick ? 1 : 5;
  const rates = quick ? [1000] : [1000, 2000, 4000, 8000];
  const limitedRates = quick ? [1000] : [700, 1000, 1500, 2000];
  const results = {
    held: {
      hourly: await step("visits held: hourly find", () => findHeld(place, hourlyFind)),
      authentik: await step("visits held: every 5 minutes", () => findHeld(place, authentikSweep)),
      ours: await step("visits held: ours", () => sidecarHeld(place, rates, seconds)),
      oursLimited: await step("visits held: ours, limited", () =>
        sidecarHeld(place, limitedRates, seconds, containerLimits),
      ),
    },
    recovery: {
      hourly: await step("full to writable: hourly find", () => findRecovery(place, hourlyFind)),
      authentik: await step("full to writable: every 5 minutes", () => findRecovery(place, authentikSweep)),
      ours: await step("full to writable: ours", () => repeat(times, () => sidecarRecovery(place))),
      oursLimited: await step("full to writable: ours, limited", () =>
        repeat(times, () => sidecarRecovery(place, containerLimits)),
      ),
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
  await place.close();
  return results;
}

async function measureSweeps(): Promise<Results["sweep"]> {
  // 65,536 files and their directory do not quite fit into 256 MiB.
  const place = await Place.open(300);
  const costs = await step("CPU of one sweep", () => sweepCosts(place, quick ? 1 : 3));
  await place.close();
  return costs;
}

async function main(): Promise<void> {
  requireControlGroups();
  const pods = quick ? 100 : 1000;
  const measured: Omit<Results, "machine"> = {
    trialSeconds: seconds,
    ...(await measureSidecar()),
    sweep: await measureSweeps(),
    day: await step("a simulated day", simulateDay),
    addresses: await step("long addresses", () => addressTrials(quick ? 20 : 120)),
    preview: await step("a preview of 50 outposts", () => previewCost(50)),
    status: await step(`the status of ${pods} pods`, () => statusCost(pods)),
    admission: await step("the creation of a pod", () => admissionCost(quick ? 100 : 500)),
  };
  const results: Results = { machine: machine(), ...measured };
  if (quick) {
    console.log(markdown(results));
    return;
  }
  writeFileSync(join(root, "bench", "results.json"), `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(join(root, "docs", "benchmarks.md"), markdown(results));
  drawFile();
  console.log("wrote bench/results.json, docs/benchmarks.md and docs/usage-over-a-day.svg");
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1); // the process that holds the tmpfs waits for this one to end
});
