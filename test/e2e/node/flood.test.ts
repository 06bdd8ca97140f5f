// The flood that fills an outpost's /dev/shm, at two outposts at once: one as authentik made it, one with the sidecar. It is
// recorded second by second for docs/flood.svg.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { answers, startVisits, type Visits } from "../../../sandbox/node/visits";
import { stateRoot } from "../../../sandbox/paths";
import { useOf, type Use } from "./resources";
import { closeScenario, openScenario, type Scenario } from "./scenario";

const mebibyte = 1024 * 1024;
/** More visits than the 65,536 pages of 256 MiB. */
const flood = { logins: 200, rate: 400, seconds: 180 };
/** Number of pages in 64 MiB. */
const capacity = (64 * mebibyte) / 4096;

describe("a flood of visits", function () {
  this.timeout(300_000);
  let scenario: Scenario;
  let without: Visits;
  let withSidecar: Visits;
  let uses: Use[];
  let pods: { without: string; with: string };

  before("flood both", async () => {
    scenario = await openScenario({
      name: "flood",
      outposts: [{ name: "without" }, { name: "with" }],
      config: { outposts: [{ name: "without", solution: "none" }, "with"] },
    });
    for (const outpost of ["without", "with"]) {
      assert.equal((await scenario.shm(await scenario.pod(outpost))).size, 64 * 1024, `${outpost}, before`);
    }
    await scenario.up();
    pods = { without: await scenario.pod("without"), with: await scenario.pod("with") };
    const floods = [startVisits(scenario, pods.without, flood), startVisits(scenario, pods.with, flood)];
    uses = await watchSidecar(scenario, pods.with, floods[1].over());
    [without, withSidecar] = await Promise.all(floods.map((visits) => visits.done()));
    const sidecar = { cpus: averageCpus(uses), memoryBytes: highestMemory(uses) };
    const file = join(stateRoot(), "flood.json");
    writeFileSync(file, JSON.stringify({ flood, without, with: withSidecar, sidecar }));
  });

  after(() => closeScenario(scenario));

  it("fills the 64 MiB of an outpost without the program, and everybody who comes then gets HTTP 400", async () => {
    assert.equal((await scenario.shm(pods.without)).size, 64 * 1024);
    const counts = answers(without);
    assert.deepEqual(Object.keys(counts), ["302", "400"]);
    // Each takes a page, and the logins have taken theirs before.
    assert.equal(counts["302"], capacity - flood.logins);
    assert.ok(counts["400"] > (flood.rate * flood.seconds) / 2, `${counts["400"]} of HTTP 400`);
    const last = without.seconds.at(-1)!;
    assert.deepEqual([Object.keys(last.status), last.usedBytes], [["400"], last.sizeBytes]);
    assert.match(await scenario.kubectl("logs", pods.without), /event=refused .*: no space left on device"/);
  });

  it("gets not one HTTP 400 from an outpost with the sidecar, which keeps below its 256 MiB", async () => {
    assert.equal((await scenario.shm(pods.with)).size, 256 * 1024);
    const counts = answers(withSidecar);
    assert.deepEqual(Object.keys(counts), ["302"]);
    assert.ok(counts["302"] > 65_536, `${counts["302"]} visits would fit without a sweep`);
    const highest = Math.max(...withSidecar.seconds.map(({ usedBytes }) => usedBytes));
    assert.ok(highest < 256 * mebibyte, `${highest} bytes`);
  });

  it("leaves everybody logged in", () => {
    assert.deepEqual(withSidecar.ending, { logins: 200, alive: 200 });
  });

  it("is ended by the sidecar: it removed visitors under pressure, and no login", async () => {
    const log = await scenario.kubectl("logs", pods.with, "--container=shm-cleanup");
    const sweeps = [...log.matchAll(/ pressure_anonymous=(\d+) pressure_authenticated=(\d+) .*errors=(\d+)/g)];
    const sum = (group: number) => sweeps.reduce((total, match) => total + Number(match[group]), 0);
    assert.ok(sum(1) > 0, log);
    assert.deepEqual([sum(2), sum(3)], [0, 0]);
  });

  it("keeps the sidecar within a quarter of its CPU limit, and within its memory limit, without a restart", async () => {
    const cpus = averageCpus(uses);
    assert.ok(cpus > 0 && cpus <= 0.25 / 4, `${cpus} CPUs`);
    const memory = highestMemory(uses);
    assert.ok(memory > 0 && memory <= 32 * mebibyte, `${memory} bytes`);
    const [{ status }] = await scenario.pods("with");
    const all = [...status!.containerStatuses!, ...status!.initContainerStatuses!];
    assert.deepEqual(Object.fromEntries(all.map(({ name, restartCount }) => [name, restartCount])), {
      proxy: 0,
      "shm-cleanup": 0,
    });
  });
});

/** Records what the sidecar uses, as often as the kubelet looks, until `end`. */
async function watchSidecar(scenario: Scenario, pod: string, end: Promise<unknown>): Promise<Use[]> {
  const uses: Use[] = [];
  let ended = false;
  void end.then(() => (ended = true));
  const look = async () => {
    const use = await useOf(scenario, pod, "shm-cleanup");
    if (use && use.atMs !== uses.at(-1)?.atMs) uses.push(use);
    return ended || undefined;
  };
  await scenario.until("the end of the flood", look, 250_000);
  if (uses.length < 5) throw new Error(`the kubelet told of the sidecar only ${uses.length} times`);
  return uses;
}

function averageCpus(uses: Use[]): number {
  const [first, last] = [uses[0], uses.at(-1)!];
  return (last.cpuSeconds - first.cpuSeconds) / ((last.atMs - first.atMs) / 1000);
}

const highestMemory = (uses: Use[]): number => Math.max(...uses.map(({ memoryBytes }) => memoryBytes));
