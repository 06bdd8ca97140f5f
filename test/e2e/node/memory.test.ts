// An outpost with a memory limit and a full /dev/shm of 256 MiB. The preview's warning comes true, and nothing happens if there
// was none.
import assert from "node:assert/strict";
import { startVisits, visit } from "../../../sandbox/node/visits";
import { outpostObjectName } from "../../../sandbox/outpost";
import { closeScenario, openScenario, type Scenario } from "./scenario";

describe("an outpost with a memory limit", function () {
  this.timeout(180_000);
  let scenario: Scenario;

  before(async () => {
    scenario = await openScenario({
      name: "memory",
      outposts: [
        { name: "tight", memoryLimit: "128Mi" },
        { name: "mixed", memoryLimit: "128Mi" },
        { name: "roomy", memoryLimit: "320Mi" },
      ],
    });
    // Added as a JSON patch in authentik would.
    const unlimited = { name: "unlimited", image: "docker.io/library/busybox:1.37", command: ["sleep", "1000000"] };
    const patch = JSON.stringify({ spec: { template: { spec: { containers: [unlimited] } } } });
    await scenario.kubectl("patch", "deployment", outpostObjectName({ name: "mixed" }), `--patch=${patch}`);
  });

  after(() => closeScenario(scenario));

  it("has a /dev/shm of the size that the warning says", async () => {
    await scenario.up();
    const sizes: Record<string, number> = { tight: 160, mixed: 256, roomy: 256 };
    for (const [outpost, mebibytes] of Object.entries(sizes)) {
      assert.equal((await scenario.shm(await scenario.pod(outpost))).size, mebibytes * 1024, outpost);
    }
  });

  it("is OOM-killed before /dev/shm is full, with 128Mi", async () => {
    const pod = await scenario.pod("tight");
    await fillShm(scenario, pod, 116);
    // Comes from another pod: in its own, a visitor would be one of the processes that the kernel chooses from.
    const [{ status }] = await scenario.pods("tight");
    const target = `http://${status!.podIP}:9000`;
    const visits = startVisits(scenario, await scenario.pod("roomy"), { target, rate: 50, seconds: 40 });
    const killed = await scenario.until(
      "the outpost's end by the OOM killer",
      () => lastEnd(scenario, "tight"),
      90_000,
    );
    await visits.over();
    assert.equal(killed.reason, "OOMKilled");
    const { size, used } = await scenario.shm(pod, "shm-cleanup");
    assert.equal(size, 160 * 1024);
    assert.ok(used < 128 * 1024, `${used} KiB were used`);
  });

  it("is not, with 320Mi and every page of /dev/shm in use", async () => {
    const pod = await scenario.pod("roomy");
    await visit(scenario, pod, { logins: 20 });
    await fillShm(scenario, pod, 300); // as far as there is space
    assert.deepEqual(await scenario.shm(pod), { size: 256 * 1024, used: 256 * 1024 });
    assert.deepEqual((await visit(scenario, pod, { known: true })).ending, { logins: 20, alive: 20 });
    assert.equal(await lastEnd(scenario, "roomy"), undefined);
  });
});

/** Takes a number of MiB of /dev/shm, if they are there. Like an outpost's sessions they count as its container's memory. */
async function fillShm(scenario: Scenario, pod: string, mebibytes: number): Promise<void> {
  const file = "/dev/shm/filler";
  await scenario.tryKubectl(
    "exec",
    pod,
    "--container=proxy",
    "--",
    "dd",
    "if=/dev/zero",
    `of=${file}`,
    "bs=64k",
    `count=${mebibytes * 16}`,
  );
}

/** Returns how the outpost's container ended last. */
async function lastEnd(scenario: Scenario, outpost: string): Promise<{ reason?: string } | undefined> {
  const [{ status }] = await scenario.pods(outpost);
  const proxy = status?.containerStatuses?.find(({ name }) => name === "proxy");
  return proxy?.lastState?.terminated ?? proxy?.state?.terminated;
}
